// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/loudness_tap.h"

#include <utility>

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

constexpr char kSamples[] =
    "audio/x-raw, format = (string) F32LE, layout = (string) interleaved, "
    "rate = (int) [ 8000, 192000 ], channels = (int) [ 1, 2 ]";

Ref<GstElement> make(const char* name) {
  GstElement* const element = gst_element_factory_make(name, nullptr);
  return element ? Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(element))) : Ref<GstElement>();
}

}  // namespace

Result<std::vector<Ref<GstElement>>> LoudnessTap::elements() {
  Ref<GstElement> before = make("audioconvert"), filter = make("capsfilter"), behind = make("audioconvert");
  if (!before || !filter || !behind) return Unexpected("audioconvert is not installed: gst-plugins-base");
  gst_util_set_object_arg(G_OBJECT(filter.get()), "caps", kSamples);
  const Ref<GstPad> out = Ref<GstPad>::adopt(gst_element_get_static_pad(filter.get(), "src"));
  gst_pad_add_probe(
      out.get(),
      static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM),
      &LoudnessTap::on_data, this, nullptr);
  std::vector<Ref<GstElement>> all;
  all.push_back(std::move(before));
  all.push_back(std::move(filter));
  all.push_back(std::move(behind));
  return all;
}

int64_t LoudnessTap::delay_ns(int64_t rate) {
  const auto frames = static_cast<int64_t>(ladder::PeakLimiter::delay(static_cast<uint32_t>(rate)));
  return frames * 1'000'000'000 / rate;
}

GstPadProbeReturn LoudnessTap::on_data(GstPad*, GstPadProbeInfo* info, gpointer data) {
  auto& self = *static_cast<LoudnessTap*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER) {
    self.take(info);
  } else if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_CAPS) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(GST_PAD_PROBE_INFO_EVENT(info), &caps);
    self.take_caps(caps);
  }
  return GST_PAD_PROBE_OK;
}

void LoudnessTap::take_caps(GstCaps* caps) {
  int rate = 0, channels = 0;
  const GstStructure* const fields = gst_caps_get_structure(caps, 0);
  gst_structure_get_int(fields, "rate", &rate);
  gst_structure_get_int(fields, "channels", &channels);
  normaliser_.reset();
  if (rate >= static_cast<int>(ladder::kMinLoudnessRate) &&
      rate <= static_cast<int>(ladder::kMaxLoudnessRate) && channels >= 1 &&
      channels <= static_cast<int>(ladder::kMaxLoudnessChannels))
    normaliser_.emplace(static_cast<uint32_t>(rate), static_cast<uint32_t>(channels), target_);
}

void LoudnessTap::take(GstPadProbeInfo* info) {
  if (!normaliser_) return;
  GstBuffer* const buffer = gst_buffer_make_writable(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = buffer;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READWRITE)) return;
  normaliser_->run({reinterpret_cast<float*>(map.data), map.size / sizeof(float)});
  gst_buffer_unmap(buffer, &map);
}

}  // namespace headgate::abrhlssink
