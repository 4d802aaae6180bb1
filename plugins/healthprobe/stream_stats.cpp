// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_stats.h"

namespace headgate::healthprobe {
namespace {

// A boolean, and beside it since when it has been true.
void set_condition(GstStructure* fields, health::Kind kind, std::optional<int64_t> since, int64_t now) {
  const std::string name = health::name_of(kind);
  gst_structure_set(fields, name.c_str(), G_TYPE_BOOLEAN, since.has_value(), nullptr);
  if (since) gst_structure_set(fields, (name + "-for").c_str(), G_TYPE_INT64, gint64{now - *since}, nullptr);
}

}  // namespace

GstStructure* stream_stats(const char* pad, const std::string& kind, const StreamHealth& health,
                           int64_t now) {
  const StreamMeasures& m = health.measures();
  GstStructure* out = gst_structure_new(
      "stream", "pad", G_TYPE_STRING, pad, "kind", G_TYPE_STRING, kind.c_str(), "buffers", G_TYPE_UINT64,
      guint64{m.buffers}, "bytes", G_TYPE_UINT64, guint64{m.bytes}, "bit-rate", G_TYPE_UINT64,
      guint64{m.bit_rate}, "rate", G_TYPE_DOUBLE, m.rate, "key-frames", G_TYPE_UINT64, guint64{m.key_frames},
      "gop-frames", G_TYPE_UINT64, guint64{m.gop_frames}, "gop-duration", G_TYPE_INT64,
      gint64{m.gop_duration}, "age", G_TYPE_INT64, gint64{health.age(now).value_or(-1)}, "key-age",
      G_TYPE_INT64, gint64{health.key_age(now).value_or(-1)}, "jitter", G_TYPE_INT64, gint64{m.jitter},
      "jumps", G_TYPE_UINT64, guint64{m.jumps}, "backward", G_TYPE_UINT64, guint64{m.backward}, "stalls",
      G_TYPE_UINT64, guint64{m.stalls}, "stalled-time", G_TYPE_INT64, gint64{m.stalled_time}, "stalled",
      G_TYPE_BOOLEAN, m.stalled, "lateness", G_TYPE_INT64, gint64{m.lateness}, "settled", G_TYPE_INT64,
      gint64{m.settled}, "lates", G_TYPE_UINT64, guint64{m.lates}, "late", G_TYPE_BOOLEAN, m.late, "late-for",
      G_TYPE_INT64, gint64{m.late ? now - m.late_since : 0}, nullptr);
  if (m.stalled) gst_structure_set(out, "stalled-for", G_TYPE_INT64, gint64{now - m.stalled_since}, nullptr);
  for (const health::Kind one : StreamConditions::kKinds)
    if (kind == "video" || !StreamConditions::of_video(one))
      set_condition(out, one, health.conditions().since(one), now);
  return out;
}

void describe_drift(GstStructure* stats, const Drift& drift, int64_t now) {
  if (!drift.offset()) return;
  gst_structure_set(stats, "av-offset", G_TYPE_INT64, gint64{*drift.offset()}, nullptr);
  if (drift.drift()) gst_structure_set(stats, "av-drift", G_TYPE_INT64, gint64{*drift.drift()}, nullptr);
  set_condition(stats, health::Kind::drifting, drift.drifting().since(), now);
  set_condition(stats, health::Kind::out_of_sync, drift.out_of_sync().since(), now);
}

}  // namespace headgate::healthprobe
