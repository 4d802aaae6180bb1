// SPDX-License-Identifier: LGPL-2.1-or-later
#include "probe.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "common/names.h"
#include "common/thread_status.h"
#include "common/trampoline.h"
#include "stream_stats.h"

GST_DEBUG_CATEGORY_EXTERN(healthprobe_debug);
#define GST_CAT_DEFAULT healthprobe_debug

namespace headgate::healthprobe {
namespace {

// Timers of all probes of a process fall due together: one wake-up of the clock's thread for many.
constexpr int64_t kTimerGrainNs = 100 * GST_MSECOND;

const char* cause_of(Change change) {
  switch (change) {
    case Change::stall:
      return "stall";
    case Change::resume:
      return "resume";
    case Change::jump:
      return "jump";
    case Change::backward:
      return "backward";
    case Change::late:
      return "late";
    case Change::good:
      return "good";
    case Change::condition:
      return "condition";
    case Change::none:
      break;
  }
  return nullptr;
}

std::optional<int64_t> running_time(const GstSegment& segment, GstClockTime time) {
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment.format != GST_FORMAT_TIME) return std::nullopt;
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(&segment, GST_FORMAT_TIME, time, &running);
  return sign < 0 ? -static_cast<int64_t>(running) : static_cast<int64_t>(running);
}

}  // namespace

// A callback that is under way while the element goes away still finds it.
struct Probe::TimerData {
  gst::Ref<GstElement> element;
  Probe* probe;
};

GstPad* Probe::request_pad(const char* name) {
  auto owned = std::make_unique<Lane>();
  Lane* lane = owned.get();
  lane->probe = this;
  gst_segment_init(&lane->segment, GST_FORMAT_UNDEFINED);
  GstElementClass* klass = GST_ELEMENT_GET_CLASS(element_);
  {
    std::lock_guard lock(mutex_);
    const auto taken = [this](unsigned number) {
      return std::any_of(lanes_.begin(), lanes_.end(),
                         [number](const auto& other) { return other->number == number; });
    };
    if (name && std::sscanf(name, "sink_%u", &lane->number) == 1) {
      if (taken(lane->number)) {
        GST_WARNING_OBJECT(element_, "pad %s is there already", name);
        return nullptr;
      }
    } else {
      while (taken(lane->number)) ++lane->number;
    }
    const std::string number = std::to_string(lane->number);
    lane->sink = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "sink_%u"),
                                           ("sink_" + number).c_str());
    lane->src = gst_pad_new_from_template(gst_element_class_get_pad_template(klass, "src_%u"),
                                          ("src_" + number).c_str());
    // Of a source whose streams come while it plays.
    if (clock_ && settings_.content.interval > 0) begin_watching(*lane);
    lanes_.push_back(std::move(owned));
  }
  gst_pad_set_chain_function(lane->sink, (gst::trampoline<&Probe::on_chain, GST_FLOW_ERROR>));
  gst_pad_set_chain_list_function(lane->sink, (gst::trampoline<&Probe::on_chain_list, GST_FLOW_ERROR>));
  gst_pad_set_event_function(lane->sink, (gst::trampoline<&Probe::on_event, FALSE>));
  for (GstPad* pad : {lane->sink, lane->src}) {
    gst_pad_set_element_private(pad, lane);
    gst_pad_set_iterate_internal_links_function(pad, (gst::trampoline<&Probe::on_links, nullptr>));
    GST_PAD_SET_PROXY_CAPS(pad);
    GST_PAD_SET_PROXY_ALLOCATION(pad);
    GST_PAD_SET_PROXY_SCHEDULING(pad);
  }
  const bool active = GST_STATE(element_) >= GST_STATE_PAUSED || GST_STATE_NEXT(element_) >= GST_STATE_PAUSED;
  if (active) gst_pad_set_active(lane->src, TRUE);
  gst_element_add_pad(element_, lane->src);
  if (active) gst_pad_set_active(lane->sink, TRUE);
  gst_element_add_pad(element_, lane->sink);
  return lane->sink;
}

void Probe::release_pad(GstPad* sink) {
  gst_pad_set_active(sink, FALSE);  // waits for its streaming thread
  std::unique_ptr<Lane> lane;
  {
    std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(lanes_.begin(), lanes_.end(), [sink](const auto& other) { return other->sink == sink; });
    if (found == lanes_.end()) return;
    lane = std::move(*found);
    lanes_.erase(found);
  }
  gst_pad_set_active(lane->src, FALSE);
  gst_element_remove_pad(element_, lane->src);
  gst_element_remove_pad(element_, sink);
}

GstIterator* Probe::on_links(GstPad* pad, GstObject*) {
  const auto* lane = static_cast<Lane*>(gst_pad_get_element_private(pad));
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_PAD);
  g_value_set_object(&value, pad == lane->sink ? lane->src : lane->sink);
  GstIterator* links = gst_iterator_new_single(GST_TYPE_PAD, &value);
  g_value_unset(&value);
  return links;
}

GstFlowReturn Probe::on_chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  auto* lane = static_cast<Lane*>(gst_pad_get_element_private(pad));
  std::vector<Report> reports;
  const int64_t arrival = static_cast<int64_t>(lane->probe->now());
  {
    std::lock_guard lock(lane->probe->mutex_);
    lane->probe->measure(*lane, buffer, arrival, reports);
    lane->probe->report_interval(arrival, reports);
  }
  lane->probe->post(std::move(reports));
  return gst_pad_push(lane->src, buffer);
}

GstFlowReturn Probe::on_chain_list(GstPad* pad, GstObject*, GstBufferList* list) {
  auto* lane = static_cast<Lane*>(gst_pad_get_element_private(pad));
  std::vector<Report> reports;
  const int64_t arrival = static_cast<int64_t>(lane->probe->now());
  {
    std::lock_guard lock(lane->probe->mutex_);
    for (guint i = 0; i < gst_buffer_list_length(list); ++i)
      lane->probe->measure(*lane, gst_buffer_list_get(list, i), arrival, reports);
    lane->probe->report_interval(arrival, reports);
  }
  lane->probe->post(std::move(reports));
  return gst_pad_push_list(lane->src, list);
}

gboolean Probe::on_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* lane = static_cast<Lane*>(gst_pad_get_element_private(pad));
  {
    std::lock_guard lock(lane->probe->mutex_);
    lane->probe->follow_event(*lane, event);
  }
  return gst_pad_event_default(pad, parent, event);
}

void Probe::follow_event(Lane& lane, GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_CAPS: {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      const char* name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
      lane.kind = g_str_has_prefix(name, "video/")   ? "video"
                  : g_str_has_prefix(name, "audio/") ? "audio"
                                                     : "other";
      lane.health.set_video(lane.kind == "video");
      lane.reorders = lane.kind == "video" && std::strcmp(name, "video/x-raw") != 0;
      if (lane.watch) lane.watch->set_caps(caps);
      break;
    }
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment(event, &lane.segment);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init(&lane.segment, GST_FORMAT_UNDEFINED);
      lane.health.rest();
      if (lane.watch) lane.watch->restart();
      drift_.reset();
      break;
    case GST_EVENT_STREAM_START:
      drift_.reset();
      break;
    case GST_EVENT_EOS:
      lane.health.rest();
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (!gst_event_has_name(event, gst::kSessionEndName)) break;
      lane.health.rest();
      if (lane.watch) lane.watch->restart();
      drift_.reset();
      break;
    default:
      break;
  }
}

GstClockTime Probe::now() const {
  gst::Ref<GstClock> clock;
  {
    std::lock_guard lock(mutex_);
    clock = clock_;
  }
  return clock ? gst_clock_get_time(clock.get()) : 0;
}

void Probe::measure(Lane& lane, GstBuffer* buffer, int64_t arrival, std::vector<Report>& reports) {
  if (!clock_) return;  // not PLAYING: nothing to measure by
  Seen seen;
  seen.arrival = arrival;
  seen.time = running_time(lane.segment, GST_BUFFER_DTS(buffer));
  if (!seen.time && !lane.reorders) seen.time = running_time(lane.segment, GST_BUFFER_PTS(buffer));
  if (GST_BUFFER_DURATION_IS_VALID(buffer)) seen.duration = static_cast<int64_t>(GST_BUFFER_DURATION(buffer));
  seen.bytes = gst_buffer_get_size(buffer);
  seen.key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  note(lane.health.saw(seen, settings_.thresholds), &lane, arrival, reports);
  if (lane.watch) lane.watch->saw(buffer, seen.key, arrival);
}

void Probe::note(Change change, Lane* lane, int64_t now, std::vector<Report>& reports) {
  const char* cause = cause_of(change);
  if (!cause) return;
  Report report{.cause = cause, .stats = stats_locked(now)};
  gst_structure_set(report.stats.get(), "pad", G_TYPE_STRING, GST_PAD_NAME(lane->sink), nullptr);
  reports.push_back(std::move(report));
}

void Probe::report_interval(int64_t now, std::vector<Report>& reports) {
  if (!clock_) return;
  if (now >= next_drift_) {
    next_drift_ = now + kWindowNs;
    if (sample_drift(now)) reports.push_back({.cause = "condition", .stats = stats_locked(now)});
  }
  if (settings_.interval == 0 || now < next_report_) return;
  next_report_ = now + settings_.interval;
  for (const auto& lane : lanes_) note(lane->health.at(now, settings_.thresholds), lane.get(), now, reports);
  reports.push_back({.cause = "interval", .stats = stats_locked(now)});
}

// The first video against the first audio, while both flow.
bool Probe::sample_drift(int64_t now) {
  std::optional<int64_t> video, audio;
  for (const auto& lane : lanes_) {
    const auto age = lane->health.age(now);
    if (!age || *age > kWindowNs || !lane->health.end()) continue;
    if (lane->kind == "video" && !video) video = lane->health.end();
    if (lane->kind == "audio" && !audio) audio = lane->health.end();
  }
  if (!video || !audio) return false;
  drift_.sample(*video, *audio);
  return drift_.judge(now, settings_.thresholds);
}

gst::StructurePtr Probe::stats() const {
  const auto at = static_cast<int64_t>(now());
  std::lock_guard lock(mutex_);
  return stats_locked(at);
}

gst::StructurePtr Probe::stats_locked(int64_t now) const {
  GstStructure* stats = gst_structure_new_empty("headgate-health");
  GValue streams = G_VALUE_INIT;
  g_value_init(&streams, GST_TYPE_ARRAY);
  bool stalled = false, late = false;
  for (const auto& lane : lanes_) {
    const StreamMeasures& m = lane->health.measures();
    stalled |= m.stalled;
    late |= m.late;
    GstStructure* one = stream_stats(GST_PAD_NAME(lane->sink), lane->kind, lane->health, now);
    if (lane->watch) lane->watch->describe(one, now);
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, one);
    gst_value_array_append_and_take_value(&streams, &value);
  }
  gst_structure_set(stats, "stalled", G_TYPE_BOOLEAN, stalled, "late", G_TYPE_BOOLEAN, late, nullptr);
  describe_drift(stats, drift_, now);
  gst_structure_take_value(stats, "streams", &streams);
  return gst::StructurePtr(stats);
}

void Probe::post(std::vector<Report>&& reports) {
  for (Report& report : reports) {
    gst_structure_set(report.stats.get(), "cause", G_TYPE_STRING, report.cause, nullptr);
    GST_LOG_OBJECT(element_, "%s", report.cause);
    gst_element_post_message(element_,
                             gst_message_new_element(GST_OBJECT_CAST(element_), report.stats.release()));
  }
}

void Probe::play(const ProbeSettings& settings) {
  const auto clock = gst::Ref<GstClock>::adopt(gst_element_get_clock(element_));
  if (!clock) return;
  const auto now = static_cast<int64_t>(gst_clock_get_time(clock.get()));
  {
    std::lock_guard lock(mutex_);
    settings_ = settings;
    clock_ = clock;
    next_report_ = now + settings.interval;
    next_drift_ = now + kWindowNs;
    for (const auto& lane : lanes_) {
      lane->health.rest();  // the time that was paused is no stall
      if (settings.content.interval > 0) begin_watching(*lane);
    }
  }
  arm_timer(now);
}

void Probe::begin_watching(Lane& lane) {
  if (lane.watch) return;
  const auto weak = std::make_shared<gst::WeakElement>(element_);
  Watch::Events events;
  events.changed = [this, weak, number = lane.number] {
    if (const auto element = weak->get()) content_changed(number);
  };
  events.thread = [weak](bool begins) {
    if (const auto element = weak->get()) gst::tell_thread(element.get(), begins);
  };
  events.pictured = [this, weak, number = lane.number](ByteVector jpeg) {
    if (const auto element = weak->get()) post_picture(number, std::move(jpeg));
  };
  lane.watch = std::make_shared<Watch>(settings_.content, std::move(events));
  const auto caps = gst::Ref<GstCaps>::adopt(gst_pad_get_current_caps(lane.sink));
  if (caps) lane.watch->set_caps(caps.get());
}

void Probe::want_picture() {
  std::lock_guard lock(mutex_);
  if (!clock_ || !settings_.content.pictures) return;
  for (const auto& lane : lanes_) {
    if (lane->kind != "video" || !lane->reorders) continue;  // raw pictures are not looked at
    begin_watching(*lane);
    lane->watch->want_picture();
  }
}

void Probe::post_picture(unsigned number, ByteVector jpeg) {
  GBytes* bytes = g_bytes_new(jpeg.data(), jpeg.size());
  GstStructure* picture =
      gst_structure_new("headgate-picture", "pad", G_TYPE_STRING, ("sink_" + std::to_string(number)).c_str(),
                        "jpeg", G_TYPE_BYTES, bytes, nullptr);
  g_bytes_unref(bytes);
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT(element_), picture));
}

void Probe::content_changed(unsigned number) {
  std::vector<Report> reports;
  const auto at = static_cast<int64_t>(now());
  {
    std::lock_guard lock(mutex_);
    const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                    [number](const auto& lane) { return lane->number == number; });
    if (found == lanes_.end() || !clock_) return;
    Report report{.cause = "content", .stats = stats_locked(at)};
    gst_structure_set(report.stats.get(), "pad", G_TYPE_STRING, GST_PAD_NAME((*found)->sink), nullptr);
    reports.push_back(std::move(report));
  }
  post(std::move(reports));
}

void Probe::pause() {
  GstClockID timer = nullptr;
  {
    std::lock_guard lock(mutex_);
    timer = std::exchange(timer_, nullptr);
    clock_.reset();
  }
  if (!timer) return;
  gst_clock_id_unschedule(timer);
  gst_clock_id_unref(timer);
}

void Probe::reset() {
  std::vector<std::shared_ptr<Watch>> watches;  // end without the lock: the inspector may wait for it
  std::lock_guard lock(mutex_);
  drift_.reset();
  for (const auto& lane : lanes_) {
    lane->health = StreamHealth();
    watches.push_back(std::move(lane->watch));
    gst_segment_init(&lane->segment, GST_FORMAT_UNDEFINED);
  }
}

gboolean Probe::on_timer(GstClock*, GstClockTime time, GstClockID, gpointer data) {
  static_cast<TimerData*>(data)->probe->timer_fired(static_cast<int64_t>(time));
  return TRUE;
}

void Probe::timer_fired(int64_t now) {
  std::vector<Report> reports;
  {
    std::lock_guard lock(mutex_);
    if (!clock_) return;
    for (const auto& lane : lanes_)
      note(lane->health.at(now, settings_.thresholds), lane.get(), now, reports);
    report_interval(now, reports);
  }
  post(std::move(reports));
  arm_timer(now);
}

// While data flows the streaming thread reports, and the timer only looks whether a stall is due; without
// data it reports, too.
void Probe::arm_timer(int64_t now) {
  GstClockID old = nullptr, timer = nullptr;
  gst::Ref<GstClock> clock;
  {
    std::lock_guard lock(mutex_);
    if (!clock_) return;
    int64_t due = now + (settings_.interval > 0 ? settings_.interval : settings_.thresholds.stall);
    bool flowing = !lanes_.empty();
    int64_t earliest = INT64_MAX;
    for (const auto& lane : lanes_) {
      const auto deadline = lane->health.stall_deadline(settings_.thresholds);
      flowing &= deadline.has_value();
      if (deadline) earliest = std::min(earliest, *deadline);
    }
    if (flowing) due = std::max(earliest, now + 1);
    due = (due / kTimerGrainNs + 1) * kTimerGrainNs;
    old = timer_;
    clock = clock_;
    timer = timer_ = gst_clock_new_single_shot_id(clock.get(), static_cast<GstClockTime>(due));
    gst_clock_id_ref(timer);
  }
  if (old) gst_clock_id_unref(old);
  gst_clock_id_wait_async(timer, (gst::trampoline<&Probe::on_timer, FALSE>),
                          new TimerData{gst::Ref<GstElement>::retain(element_), this},
                          [](gpointer data) { delete static_cast<TimerData*>(data); });
  gst_clock_id_unref(timer);
}

}  // namespace headgate::healthprobe
