// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session.h"

#include <base/clock.h>
#include <base/json_line.h>
#include <feed/structure_json.h>
#include <playlist/rendition.h>

#include <algorithm>
#include <optional>

namespace headgate::worker {
namespace {

using ElementPtr = PipelinePtr;

ElementPtr source_of(GstElement* pipeline) {
  return ElementPtr(GST_IS_BIN(pipeline) ? gst_bin_get_by_name(GST_BIN(pipeline), kSourceName) : nullptr);
}

GstStructure* session_structure(const wire::Handoff& handoff) {
  return gst_structure_new("headgate-session",                       //
                           "event", G_TYPE_UINT, handoff.event,      //
                           "station", G_TYPE_UINT, handoff.station,  //
                           "ticket-id", G_TYPE_STRING, handoff.ticket_id.c_str(), "ticket", G_TYPE_STRING,
                           handoff.ticket.c_str(),                       //
                           "peer", G_TYPE_STRING, handoff.peer.c_str(),  //
                           "protocol", G_TYPE_STRING, handoff.protocol.c_str(), "user-agent", G_TYPE_STRING,
                           handoff.user_agent.c_str(), "claim", G_TYPE_STRING, handoff.claim.c_str(),
                           nullptr);
}

void hand_over(GstElement* source, const wire::Handoff& handoff, UniqueFd connection) {
  GBytes* state = g_bytes_new(handoff.state.data(), handoff.state.size());
  GstStructure* info = session_structure(handoff);
  g_object_set(source, "session-state", state, "session-info", info, "session-fd", connection.release(),
               nullptr);
  gst_structure_free(info);
  g_bytes_unref(state);
}

// Of ticketsrc's `stats` (docs/elements.md): SRT's alone has a link.
void read_link(const GstStructure* stats, StatsEvent& event) {
  const GValue* value = gst_structure_get_value(stats, "srt");
  const GstStructure* link =
      value && GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : nullptr;
  if (!link) return;
  LinkCounts& counts = event.link.emplace();
  gst_structure_get_uint64(link, "received-packets", &counts.received);
  gst_structure_get_uint64(link, "retransmitted-packets", &counts.retransmitted);
  gst_structure_get_uint64(link, "lost-packets", &counts.lost);
  gst_structure_get_uint64(link, "dropped-packets", &counts.dropped);
  event.link_json = tools::structure_json(link);
}

// Of segmentarchiver's `stats` (docs/elements.md).
std::optional<store::CommitStats> commits_of(const GstStructure* stats) {
  store::CommitStats out;
  const GValue* counts = gst_structure_get_value(stats, "commits");
  if (!counts || !GST_VALUE_HOLDS_ARRAY(counts) ||
      gst_value_array_get_size(counts) != out.durations.counts.size())
    return std::nullopt;
  for (guint step = 0; step < out.durations.counts.size(); ++step) {
    const GValue* count = gst_value_array_get_value(counts, step);
    if (!G_VALUE_HOLDS_UINT64(count)) return std::nullopt;
    out.durations.counts[step] = g_value_get_uint64(count);
  }
  gst_structure_get_int64(stats, "commit-time-us", &out.durations.sum_us);
  gst_structure_get_int64(stats, "commit-lag-us", &out.lag_us);
  return out;
}

}  // namespace

Session::Session(Loop& loop, Reaper& reaper, std::shared_ptr<Inbox> inbox, PipelinePtr pipeline,
                 const wire::Handoff& handoff, int64_t grace_ms)
    : loop_(loop),
      reaper_(reaper),
      inbox_(std::move(inbox)),
      pipeline_(std::move(pipeline)),
      opened_{handoff.session,  handoff.event,      handoff.station,         handoff.ticket_id, handoff.peer,
              handoff.protocol, handoff.user_agent, system_clock().utc_us(), grace_ms} {
  health_.session = handoff.session;
  health_.event = handoff.event;
  health_.station = handoff.station;
}

Result<std::unique_ptr<Session>> Session::start(Loop& loop, Reaper& reaper, std::shared_ptr<Inbox> inbox,
                                                PipelinePtr pipeline, const wire::Handoff& handoff,
                                                UniqueFd connection, int64_t grace_ms) {
  std::unique_ptr<Session> session(
      new Session(loop, reaper, std::move(inbox), std::move(pipeline), handoff, grace_ms));
  GstElement* element = session->pipeline_.get();
  if (auto wish = fill_wish(element)) session->fill_ = *std::move(wish);  // it was checked when it was built
  GstBus* bus = gst_element_get_bus(element);
  session->inbox_->watch(bus, handoff.session);
  gst_object_unref(bus);
  hand_over(source_of(element).get(), handoff, std::move(connection));
  if (gst_element_set_state(element, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    // The bus has the reason, if there is one; without it the session ends all the same.
    session->inbox_->post({handoff.session, FailureEvent{"the pipeline does not start"}});
  }
  return session;
}

Session::~Session() {
  loop_.cancel(deadline_);
  if (pipeline_) reap();
}

History* Session::history(const std::string& rendition) {
  const bool known = histories_.contains(rendition);
  if (!known && !rendition.empty() &&
      (!playlist::valid_rendition(rendition) || histories_.size() > playlist::kMaxRenditions))
    return nullptr;
  return &histories_[rendition];
}

void Session::end(const std::string& reason) {
  if (ending()) return;
  kicked_ = reason;
  // The source may be held by its reader thread: only the reaper may wait for it.
  GstElement* source = source_of(pipeline_.get()).release();
  reaper_.run([source, reason] {
    g_signal_emit_by_name(source, "end-session", reason.c_str());
    gst_object_unref(source);
  });
  deadline_ = loop_.after_ms(kEndMs, [this] { reap(); });
}

void Session::ask_to_reconnect(const std::string& url, const std::string& text) {
  if (ending()) return;
  GstElement* source = source_of(pipeline_.get()).release();
  reaper_.run([source, url, text] {
    g_signal_emit_by_name(source, "request-reconnect", url.c_str(), text.c_str());
    gst_object_unref(source);
  });
}

void Session::want(const std::string& rendition) {
  if (playlist::valid_rendition(rendition)) tell_elements(kWantRenditionSignal, rendition);
}

void Session::want_picture() {
  tell_elements(kWantPictureSignal, std::nullopt);
}

// `text`: of signals that have one.
void Session::tell_elements(const char* signal, std::optional<std::string> text) {
  if (ending()) return;
  struct Told {
    const char* signal;
    const char* text;
  };
  GstElement* pipeline = GST_ELEMENT(gst_object_ref(pipeline_.get()));
  reaper_.run([pipeline, signal, text = std::move(text)] {
    GstIterator* elements = gst_bin_iterate_elements(GST_BIN(pipeline));
    const auto tell = +[](const GValue* value, gpointer data) {
      GObject* element = static_cast<GObject*>(g_value_get_object(value));
      const auto* told = static_cast<const Told*>(data);
      if (g_signal_lookup(told->signal, G_OBJECT_TYPE(element)) == 0) return;
      if (told->text)
        g_signal_emit_by_name(element, told->signal, told->text);
      else
        g_signal_emit_by_name(element, told->signal);
    };
    Told told{signal, text ? text->c_str() : nullptr};
    while (gst_iterator_foreach(elements, tell, &told) == GST_ITERATOR_RESYNC) gst_iterator_resync(elements);
    gst_iterator_free(elements);
    gst_object_unref(pipeline);
  });
}

Reaper::Job Session::measure() {
  if (!pipeline_) return {};
  GstElement* source = source_of(pipeline_.get()).release();
  return [source, inbox = inbox_, session = opened_.session] {
    GstStructure* stats = nullptr;
    g_object_get(source, "stats", &stats, nullptr);
    gst_object_unref(source);
    if (!stats) return;
    StatsEvent event;
    gst_structure_get_uint64(stats, "bytes", &event.received.bytes);
    gst_structure_get_uint64(stats, "video-frames", &event.received.video_frames);
    gst_structure_get_uint64(stats, "audio-frames", &event.received.audio_frames);
    gst_structure_get_uint64(stats, "repairs", &event.received.repairs);
    gst_structure_get_int64(stats, "last-media-mono-us", &event.last_media_mono_us);
    read_link(stats, event);
    gst_structure_free(stats);
    inbox->post({session, std::move(event)});
  };
}

Reaper::Job Session::measure_commits() {
  if (!pipeline_ || !GST_IS_BIN(pipeline_.get())) return {};
  GstIterator* archivers =
      gst_bin_iterate_all_by_element_factory_name(GST_BIN(pipeline_.get()), "segmentarchiver");
  GValue value = G_VALUE_INIT;
  ElementPtr archiver;
  if (gst_iterator_next(archivers, &value) == GST_ITERATOR_OK)
    archiver.reset(GST_ELEMENT(g_value_dup_object(&value)));
  g_value_unset(&value);
  gst_iterator_free(archivers);
  if (!archiver) return {};
  return [element = archiver.release(), inbox = inbox_, session = opened_.session] {
    GstStructure* stats = nullptr;
    g_object_get(element, "stats", &stats, nullptr);
    gst_object_unref(element);
    if (!stats) return;
    if (auto commits = commits_of(stats)) inbox->post({session, CommitsEvent{*commits}});
    gst_structure_free(stats);
  };
}

void Session::on_closing(const ClosingEvent& closing) {
  if (reason_.empty()) reason_ = closing.reason;
  received_ = closing.received;
  // EOS follows through the pipeline; a pipeline that loses it is cut.
  if (deadline_ == 0 && pipeline_) deadline_ = loop_.after_ms(kEndMs, [this] { reap(); });
}

void Session::on_health(HealthEvent health) {
  probed_ = std::move(health.json);
  health_.frame_rate_milli = health.frame_rate_milli;
  put_health();
}

void Session::on_stats(const StatsEvent& stats) {
  health_.received_bytes = stats.received.bytes;
  health_.last_media_mono_us = stats.last_media_mono_us;
  if (!stats.link) return;
  loss_.add(*stats.link);
  link_ = JsonLine::after(stats.link_json)
              .field("lost-share", loss_.lost())
              .field("dropped-share", loss_.dropped())
              .take();
  put_health();
}

bool Session::on_ladder(const tools::LadderNews& news) {
  if (!ladder_.told(news, system_clock().utc_us())) return false;
  put_health();
  return true;
}

void Session::put_health() {
  const std::string paused = ladder_.paused_json();
  JsonLine line = JsonLine::after(probed_);
  if (!link_.empty()) line.raw("srt", link_);
  if (!paused.empty()) line.raw("paused", paused);
  health_.json = line.take();
}

void Session::on_eos() {
  if (reason_.empty()) reason_ = "disconnect";
  reap();
}

void Session::on_failure(const std::string& text) {
  if (reason_.empty()) reason_ = "error:" + text;
  reap();
}

void Session::reap() {
  if (!pipeline_) return;
  loop_.cancel(deadline_);
  std::string reason = !kicked_.empty() ? "kick:" + kicked_ : reason_.empty() ? "error:no end" : reason_;
  reaper_.run([inbox = inbox_, session = opened_.session, pipeline = pipeline_.release(),
               reason = std::move(reason)] {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    GstBus* bus = gst_element_get_bus(pipeline);
    gst_bus_set_sync_handler(bus, nullptr, nullptr, nullptr);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
    inbox->post({session, ClosedEvent{reason}}, Inbox::When::now);
  });
}

}  // namespace headgate::worker
