// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/rendition_out.h"

#include "common/mapped_buffer.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

using gst::MappedBuffer;
using gst::Ref;

namespace {

constexpr int64_t kTimeSlackNs = 1'000'000;  // samples do not last whole nanoseconds

}  // namespace

Result<void> UnitMaker::take(GstSample* sample, const UnitSink& sink) {
  GstCaps* const caps = gst_sample_get_caps(sample);
  GstBuffer* const buffer = gst_sample_get_buffer(sample);
  if (!caps || !buffer) return {};
  if (!caps_ || (caps != caps_.get() && !gst_caps_is_equal(caps, caps_.get()))) {
    auto track = finder_.caps(caps);
    if (!track) return Unexpected(track.error());
    if (!*track) return Unexpected("an encoder that does not say what it encodes");
    caps_ = Ref<GstCaps>::retain(caps);
    sink.track(rendition_, **track);
  }
  const int64_t pts = Stage::running_ns(sample, GST_BUFFER_PTS(buffer));
  const int64_t dts = Stage::running_ns(sample, GST_BUFFER_DTS_OR_PTS(buffer));
  if (pts == INT64_MIN || dts == INT64_MIN) return {};  // headers
  store::DerivedUnit unit;
  unit.key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (!lead_ns_) {
    if (video_ && !unit.key) return {};
    lead_ns_ = video_ ? pts - dts : 0;
    first_ns_ = pts;
  }
  unit.pts_ns = pts - delay_ns_;
  if (unit.pts_ns + kTimeSlackNs < first_ns_) return {};
  unit.dts_ns = (video_ ? dts + *lead_ns_ : pts) - delay_ns_;
  MappedBuffer mapped(Ref<GstBuffer>::retain(buffer));
  if (mapped.bytes().empty()) return {};
  unit.data = mapped.bytes();
  unit.holder = std::move(mapped).into_holder();
  sink.unit(rendition_, std::move(unit));
  return {};
}

}  // namespace headgate::abrhlssink
