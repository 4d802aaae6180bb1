// SPDX-License-Identifier: LGPL-2.1-or-later
#include "source.h"

#include <algorithm>

#include <base/clock.h>
#include <ticket/ticket.h>

#include "common/names.h"
#include "common/session_info.h"

GST_DEBUG_CATEGORY_EXTERN(ticketsrc_debug);
#define GST_CAT_DEFAULT ticketsrc_debug

namespace headgate::ticketsrc {
namespace {

// A composition offset before the session's first DTS moves its zero back, at most so far.
constexpr int64_t kMaxCompositionNs = 10'000'000'000;

// Media of one track that is pushed before the other track's turn, by the sender's clock.
constexpr int64_t kSliceNs = 250'000'000;

constexpr int64_t kUsNs = 1'000;

// What the publisher is told when downstream fails. The cause is for the log: a flow return has none.
constexpr char kDownText[] = " DOWN: this server cannot go on with the stream. Connect again.";

Now now() {
  const Clock& clock = system_clock();
  return {.mono_us = clock.mono_us(), .utc_us = clock.utc_us()};
}

// The sender's clock at the session's zero: the earliest of what its first frames say. None without a frame.
struct Zero {
  int64_t sender_ns = 0;
  int64_t arrival_us = 0;
};
std::optional<Zero> zero_of(Session& session) {
  std::optional<Zero> zero;
  for (const TrackId track : {kVideoTrack, kAudioTrack}) {
    for (const Item& item : session.items(track)) {
      if (item.config) continue;
      const bool lies = item.composition_ns < -kMaxCompositionNs;
      const int64_t before = lies ? 0 : std::min<int64_t>(item.composition_ns, 0);
      const int64_t sender_ns = item.sender_ns + before;
      const int64_t step = zero ? sender_ns - zero->sender_ns : 0;
      // A track whose clock has nothing to do with the other's does not move the zero: it is repaired.
      if (!zero)
        zero = Zero{sender_ns, item.arrival_us};
      else if (step < 0 && step > -timeline::kMaxForwardNs)
        zero->sender_ns = sender_ns;
    }
  }
  return zero;
}

}  // namespace

Source::~Source() {
  stop();
}

void Source::start(const SourceSettings& settings) {
  settings_ = settings;
  group_ = gst_util_group_id_next();
  stream_prefix_ = std::string(GST_ELEMENT_NAME(element_)) + "/" + std::to_string(g_random_int());
  session_number_ = 0;
  pushed_until_ = 0;
  finished_bytes_ = 0;
  no_more_pads_ = finished_ = false;
  *stats_.lock() = {};
}

void Source::play() {
  resumed_ = true;
  playing_ = true;
  if (poller_) return;
  poller_ = &Poller::of_tick(settings_.tick_ms);
  poller_->add(this);
}

void Source::pause() {
  playing_ = false;
}

void Source::stop() {
  playing_ = false;
  if (poller_) poller_->remove(this);
  poller_ = nullptr;
  if (live_) {
    post(session_fields("close", live_->info, "stopped"));
    if (listener_) listener_->session_over(live_->serial);
  }
  live_.reset();
  const Requests left = std::exchange(*requests_.lock(), {});
  if (left.offer && left.listener) left.listener->session_over(left.offer->serial);
  listener_ = nullptr;
  for (auto& pad : pads_) {
    if (pad) gst_element_remove_pad(element_, pad->pad());
    pad.reset();
  }
  stats_.lock()->connected = false;
}

void Source::offer(Offer offer, Listener* listener) {
  auto requests = requests_.lock();
  requests->offer = std::move(offer);
  requests->listener = listener;
}

void Source::end_session(std::string reason) {
  requests_.lock()->end = std::move(reason);
}

void Source::ask_to_reconnect(std::string url, std::string text) {
  requests_.lock()->reconnect.emplace(std::move(url), std::move(text));
}

void Source::refused(const store::RunInfo& info, const std::string& text) {
  ++stats_.lock()->refused;
  GST_WARNING_OBJECT(element_, "refused %s: %s", info.peer.c_str(), text.c_str());
  post(session_fields("refuse", info, text));
}

void Source::on_tick(std::span<std::byte> scratch) {
  // Nobody else counts: a load and a store, not an addition that locks the bus.
  std::atomic<uint64_t>* const word = service_.load(std::memory_order_relaxed);
  const uint64_t count = word ? word->load(std::memory_order_relaxed) : 0;
  if (word) word->store(count + 1, std::memory_order_relaxed);
  if (playing_ && !finished_) {
    tick_thread_ = std::this_thread::get_id();
    scratch_ = scratch;
    serve();
    tick_thread_ = std::thread::id();
  }
  if (word) word->store(count + 2, std::memory_order_relaxed);
}

void Source::serve() {
  const Now at = now();
  take_requests(at);
  if (!live_) return;
  Session& session = *live_->session;
  if (resumed_.exchange(false)) session.forgive_silence(at);
  session.serve(scratch_, at);
  warn_of_tracks();
  if (session.decided(at)) push_items(at);
  if (finished_ || !live_) return;  // downstream ended it
  if (live_->begun) {
    for (const TrackId track : {kVideoTrack, kAudioTrack}) tell_repairs(track, at.mono_us, false);
    watch_silence(at);
  }
  if (listener_) listener_->received(live_->serial, session.last_frame_us());
  {
    auto stats = stats_.lock();
    stats->bytes = finished_bytes_ + session.bytes();
    stats->last_media_mono_us = session.last_media_us();
    stats->link = session.link_report();
  }
  if (session.ended())
    finish_session(*session.ended());
  else if (at.mono_us - session.last_frame_us() >= settings_.idle_us)
    finish_session("timeout");
}

void Source::take_requests(Now at) {
  Requests requests = std::exchange(*requests_.lock(), {});
  const bool end_offered = requests.end && !live_;  // it was asked for before the session was begun
  if (requests.reconnect && live_) {
    const auto& [url, text] = *requests.reconnect;
    const bool asked = live_->session->ask_to_reconnect(url, text);
    post(session_fields("reconnect", live_->info, asked ? "asked" : "not-announced"));
  }
  if (requests.end && live_) {
    dismiss(*requests.end);
    finish_session(*requests.end);
  }
  if (!requests.offer || finished_) return;
  if (live_) finish_session("superseded");
  if (finished_) return;
  listener_ = requests.listener;
  begin_session(std::move(*requests.offer), at);
  if (end_offered && live_) {
    dismiss(*requests.end);
    finish_session(*requests.end);
  }
}

void Source::dismiss(const std::string& text) {
  live_->session->say_goodbye(text, scratch_);
}

void Source::begin_session(Offer offer, Now at) {
  auto session = open_session(std::move(offer.socket), offer.state, offer.info.protocol, at);
  if (!session) {
    GST_WARNING_OBJECT(element_, "%s", session.error().message.c_str());
    post(session_fields("close", offer.info, "error:" + session.error().message));
    if (listener_) listener_->session_over(offer.serial);
    if (!listener_ || settings_.once) finish_stream();
    return;
  }
  live_.emplace();
  live_->session = std::move(session).value();
  live_->info = std::move(offer.info);
  live_->info.receipt_us = settings_.tick_ms * 1000;
  live_->serial = offer.serial;
  live_->event = gst::Ref<GstEvent>::adopt(gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, gst::structure_of(gst::kSessionName, live_->info)));
  ++session_number_;
  {
    auto stats = stats_.lock();
    ++stats->sessions;
    stats->connected = true;
  }
  GST_INFO_OBJECT(element_, "station %u of event %u from %s (%s)", live_->info.station, live_->info.event,
                  live_->info.peer.c_str(), live_->info.user_agent.c_str());
  post(session_fields("open", live_->info, ""));
}

void Source::warn_of_tracks() {
  for (const std::string& text : live_->session->take_warnings())
    GST_ELEMENT_WARNING(element_, STREAM, CODEC_NOT_FOUND, ("%s", text.c_str()), (nullptr));
}

void Source::push_items(Now at) {
  if (!live_->session->has_items()) return;
  if (!live_->begun) begin_pads(at);
  if (!live_->begun) return;  // configurations only, so far
  // Usually one slice. A publisher who catches up sends seconds at once: downstream gets the tracks
  // interleaved.
  size_t next[kTracks] = {};
  std::optional<int64_t> until;
  do {
    until = slice_end(next);
    for (const TrackId track : {kVideoTrack, kAudioTrack}) put_slice(track, next[track], until);
    push_pads();
    if (!live_ || finished_) return;  // downstream ended it
  } while (until);
  live_->session->clear_items(kVideoTrack);
  live_->session->clear_items(kAudioTrack);
  watch_lateness(at);
}

// The sender's clock kSliceNs after the earliest frame that is left; none when none is.
std::optional<int64_t> Source::slice_end(const size_t (&next)[kTracks]) const {
  std::optional<int64_t> earliest;
  for (const TrackId track : {kVideoTrack, kAudioTrack}) {
    const auto& items = live_->session->items(track);
    size_t i = next[track];
    while (i < items.size() && items[i].config) ++i;
    if (i >= items.size()) continue;
    if (!earliest || items[i].sender_ns < *earliest) earliest = items[i].sender_ns;
  }
  if (earliest) *earliest += kSliceNs;
  return earliest;
}

// Frames before `until`, and configurations between them, which have no time of their own.
void Source::put_slice(TrackId track, size_t& next, std::optional<int64_t> until) {
  auto& items = live_->session->items(track);
  const auto belongs = [&](const Item& item) { return item.config || (until && item.sender_ns < *until); };
  while (next < items.size() && belongs(items[next])) put(track, std::move(items[next++]));
}

void Source::push_pads() {
  GstClockTime furthest = 0;
  for (const auto& pad : pads_)
    if (pad) furthest = std::max(furthest, pad->end());
  for (const TrackId track : {kVideoTrack, kAudioTrack}) {
    if (!pads_[track]) continue;
    // A pad of an earlier session whose track this one does not have.
    if (!live_->session->has_config(track)) pads_[track]->gap_until(furthest);
    pads_[track]->push();
  }
  check_flow();
}

// The first frames are there: the session's zero is known, its tracks get their pads.
void Source::begin_pads(Now at) {
  const auto zero = zero_of(*live_->session);
  if (!zero) return;
  live_->timeline.emplace(zero->sender_ns, zero->arrival_us);
  live_->begun = true;
  const GstClockTime base = std::max(running_time_of(zero->arrival_us, at), pushed_until_);
  begin_ = {stream_prefix_ + "/" + std::to_string(session_number_), group_, base, live_->event.get()};
  for (const TrackId track : {kVideoTrack, kAudioTrack}) {
    const auto& items = live_->session->items(track);
    const auto first = std::find_if(items.begin(), items.end(), [](const Item& item) { return item.config; });
    if (pads_[track])
      pads_[track]->begin(begin_, first == items.end() ? nullptr : &*first->config);
    else if (first != items.end())
      add_pad(track, *first->config);
  }
  if (!std::exchange(no_more_pads_, true)) gst_element_no_more_pads(element_);
}

// Where the pipeline's clock stood when something arrived.
GstClockTime Source::running_time_of(int64_t mono_us, Now at) const {
  const auto clock = gst::Ref<GstClock>::adopt(gst_element_get_clock(element_));
  if (!clock) return 0;
  const GstClockTime time = gst_clock_get_time(clock.get());
  const GstClockTime before = gst_element_get_base_time(element_) + (at.mono_us - mono_us) * GST_USECOND;
  return time > before ? time - before : 0;
}

void Source::add_pad(TrackId track, const codec::Track& config) {
  GstPadTemplate* templ = gst_element_class_get_pad_template(GST_ELEMENT_GET_CLASS(element_),
                                                             track == kVideoTrack ? "video_%u" : "audio_%u");
  pads_[track] = std::make_unique<OutPad>(templ, track);
  prepare_pad_(pads_[track]->pad());
  gst_pad_set_active(pads_[track]->pad(), TRUE);
  pads_[track]->begin(begin_, &config);
  gst_element_add_pad(element_, pads_[track]->pad());
}

void Source::put(TrackId track, Item&& item) {
  if (item.config) {
    if (!pads_[track]) return add_pad(track, *item.config);  // a track that came late
    return pads_[track]->configure(*item.config);
  }
  const timeline::Stamp stamp = live_->timeline->stamp(track, item.sender_ns, item.arrival_us);
  live_->uplink.note(track, stamp.dts_ns, item.arrival_us * kUsNs);
  // A picture shown seconds from its decoding is a sender's mistake, and one before the session none's.
  const int64_t composition_ns =
      std::clamp(item.composition_ns, std::max(-kMaxCompositionNs, -stamp.dts_ns), kMaxCompositionNs);
  const bool lies = composition_ns != item.composition_ns;
  if (lies) {
    live_->clock_report.note_composition(track, item.composition_ns);
    item.composition_ns = 0;
  }
  ++live_->frames[track];
  {
    auto stats = stats_.lock();
    ++(track == kVideoTrack ? stats->video_frames : stats->audio_frames);
    stats->repairs += lies + (stamp.repair != timeline::Repair::none);
  }
  live_->clock_report.note(track, stamp);
  std::optional<int64_t>& last_ns = live_->last_sender_ns[track];
  // Before a track's first frame nothing is missing: the session begins there.
  if (item.after_loss && last_ns) live_->clock_report.note_loss(track, *last_ns, item.sender_ns);
  last_ns = item.sender_ns;
  if (item.key_denied) live_->clock_report.note_key(track, item.key, item.sender_ns);
  tell_repairs(track, item.arrival_us, false);
  pads_[track]->put(std::move(item), stamp);
}

// One linked pad that takes data is enough; an error of any ends the stream.
void Source::check_flow() {
  const GstFlowReturn flow = combined_flow();
  if (flow == GST_FLOW_OK) return;
  if (flow != GST_FLOW_EOS) {
    GST_ELEMENT_FLOW_ERROR(element_, flow);
    dismiss(std::to_string(ticket::kDown) + kDownText);
  }
  finish_session(flow == GST_FLOW_EOS ? "stopped"
                                      : std::string("error:downstream: ") + gst_flow_get_name(flow));
  if (!finished_) finish_stream();
}

GstFlowReturn Source::combined_flow() const {
  bool flowing = false, eos = false;
  for (const auto& pad : pads_) {
    if (!pad) continue;
    const GstFlowReturn flow = pad->flow();
    if (flow == GST_FLOW_ERROR || flow == GST_FLOW_NOT_NEGOTIATED) return flow;
    flowing |= flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING;
    eos |= flow == GST_FLOW_EOS;
  }
  if (flowing) return GST_FLOW_OK;
  return eos ? GST_FLOW_EOS : GST_FLOW_NOT_LINKED;
}

void Source::finish_session(const std::string& reason) {
  // What came before the end, even if the tracks were not decided yet.
  if (!live_->begun) push_items(now());
  if (!live_) return;
  if (live_->begun)
    for (const TrackId track : {kVideoTrack, kAudioTrack}) tell_repairs(track, 0, true);
  LiveSession live = std::move(*live_);
  live_.reset();
  for (const auto& pad : pads_) {
    if (!pad || !live.begun) continue;
    pad->push_event(gst_event_new_custom(
        GST_EVENT_CUSTOM_DOWNSTREAM,
        gst_structure_new(gst::kSessionEndName, "reason", G_TYPE_STRING, reason.c_str(), nullptr)));
    pushed_until_ = std::max(pushed_until_, pad->base() + pad->end());
  }
  if (listener_) listener_->session_over(live.serial);
  {
    auto stats = stats_.lock();
    stats->bytes = finished_bytes_ += live.session->bytes();
    stats->connected = stats->late = false;
    stats->late_ms = 0;
  }
  GST_INFO_OBJECT(element_, "session of station %u ended: %s", live.info.station, reason.c_str());
  GstStructure* fields = session_fields("close", live.info, reason);
  gst_structure_set(fields, "bytes", G_TYPE_UINT64, guint64{live.session->bytes()}, "video-frames",
                    G_TYPE_UINT64, guint64{live.frames[kVideoTrack]}, "audio-frames", G_TYPE_UINT64,
                    guint64{live.frames[kAudioTrack]}, nullptr);
  live.session.reset();  // closes the connection before anybody is told
  post(fields);
  if (!listener_ || settings_.once) finish_stream();
}

void Source::finish_stream() {
  finished_ = true;
  if (listener_) listener_->close();
  bool any = false;
  for (const auto& pad : pads_) {
    if (!pad) continue;
    any = true;
    pad->push_event(gst_event_new_eos());
  }
  if (!any)
    GST_ELEMENT_ERROR(element_, STREAM, FAILED, ("The session ended before any media came."), (nullptr));
}

}  // namespace headgate::ticketsrc
