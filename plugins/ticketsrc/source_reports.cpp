// SPDX-License-Identifier: LGPL-2.1-or-later
// What Source tells the bus, the publisher and downstream besides media.
#include <utility>

#include "common/names.h"
#include "common/session_info.h"
#include "source.h"

GST_DEBUG_CATEGORY_EXTERN(ticketsrc_debug);
#define GST_CAT_DEFAULT ticketsrc_debug

namespace headgate::ticketsrc {
namespace {

// Without a frame on any track: longer than senders and networks wait between two, as long as a part usually
// is.
constexpr int64_t kSilenceUs = 500'000;

constexpr int64_t kMsNs = 1'000'000, kUsNs = 1'000;

constexpr const char* kTrackNames[] = {"video", "audio"};

}  // namespace

// To the bus, and in front of the frame to downstream.
void Source::tell_repairs(TrackId track, int64_t mono_us, bool all) {
  while (const auto note = live_->clock_report.take(track, mono_us, all)) {
    GST_WARNING_OBJECT(element_,
                       "the publisher's %s: %s, %u times, first from %" G_GINT64_FORMAT
                       " ms to %" G_GINT64_FORMAT " ms",
                       kTrackNames[track], note->kind, note->count, note->before_ms, note->after_ms);
    GstStructure* fields =
        gst_structure_new(gst::kTimestampsName, "track", G_TYPE_STRING, kTrackNames[track], "kind",
                          G_TYPE_STRING, note->kind, "count", G_TYPE_UINT, note->count, "before-ms",
                          G_TYPE_INT64, note->before_ms, "after-ms", G_TYPE_INT64, note->after_ms, nullptr);
    pads_[track]->push();
    pads_[track]->push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_copy(fields)));
    post(fields);
  }
}

// An uplink that carries less than what is sent: the publisher can send less, if somebody tells him.
void Source::watch_lateness(Now at) {
  const bool changed = live_->uplink.judge(at.mono_us * kUsNs, settings_.late_ns);
  const int64_t late_ms = live_->uplink.late_ns() / kMsNs;
  const int64_t settled_ms = live_->uplink.settled_ns() / kMsNs;
  const bool late = live_->uplink.late();
  {
    auto stats = stats_.lock();
    stats->late_ms = late_ms;
    stats->late = late;
  }
  if (!changed) return;
  GST_INFO_OBJECT(
      element_,
      "station %u: %s (%" G_GINT64_FORMAT " ms behind, and %" G_GINT64_FORMAT " ms that are usual by now)",
      live_->info.station, late ? "the uplink is too slow" : "the uplink is as usual", late_ms, settled_ms);
  live_->session->tell_uplink(late, late_ms);
  GstStructure* fields =
      gst_structure_new(gst::kUplinkName, "state", G_TYPE_STRING, late ? "late" : "good", "late-ms",
                        G_TYPE_INT64, late_ms, "settled-ms", G_TYPE_INT64, settled_ms, nullptr);
  for (const auto& pad : pads_)
    if (pad && live_->begun)
      pad->push_event(gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_copy(fields)));
  post(fields);
}

// Once a silence: who writes what came need not wait for what comes.
void Source::watch_silence(Now at) {
  const int64_t since = live_->session->last_frame_us();
  if (at.mono_us - since < kSilenceUs || std::exchange(live_->silent_since_us, since) == since) return;
  for (const auto& pad : pads_)
    if (pad)
      pad->push_event(
          gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(gst::kSilenceName)));
}

void Source::post(GstStructure* fields) {
  gst_element_post_message(element_, gst_message_new_element(GST_OBJECT_CAST(element_), fields));
}

GstStructure* Source::session_fields(const char* action, const store::RunInfo& info,
                                     const std::string& reason) const {
  GstStructure* fields = gst::structure_of(gst::kSessionName, info);
  gst_structure_set(fields, "action", G_TYPE_STRING, action, "reason", G_TYPE_STRING, reason.c_str(),
                    nullptr);
  return fields;
}

}  // namespace headgate::ticketsrc
