// SPDX-License-Identifier: LGPL-2.1-or-later
#include "decoder.h"

#include <cstring>
#include <limits>
#include <vector>

#include "av_ptr.h"
#include "common/mapped_buffer.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace headgate::healthprobe {
namespace {

// Of a picture: a larger one would take the time of many others.
constexpr int64_t kMostPixels = int64_t{4096} * 2304;

AVCodecID codec_of(const GstCaps* caps) {
  if (!caps || gst_caps_is_empty(caps) || gst_caps_is_any(caps)) return AV_CODEC_ID_NONE;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto is = [structure](const char* name) { return gst_structure_has_name(structure, name); };
  if (is("video/x-h264")) return AV_CODEC_ID_H264;
  if (is("video/x-h265")) return AV_CODEC_ID_HEVC;
  if (is("video/x-av1")) return AV_CODEC_ID_AV1;
  if (is("video/x-vp9")) return AV_CODEC_ID_VP9;
  if (is("audio/x-opus")) return AV_CODEC_ID_OPUS;
  if (is("audio/x-ac3")) return AV_CODEC_ID_AC3;
  if (is("audio/x-eac3")) return AV_CODEC_ID_EAC3;
  if (is("audio/x-flac")) return AV_CODEC_ID_FLAC;
  int version = 0;
  if (is("audio/mpeg") && gst_structure_get_int(structure, "mpegversion", &version) && version == 4)
    return AV_CODEC_ID_AAC;
  return AV_CODEC_ID_NONE;
}

// The codec's own configuration, with the zeros behind it that libavcodec reads.
bool set_extradata(AVCodecContext* codec, const GstStructure* structure) {
  const GValue* value = gst_structure_get_value(structure, "codec_data");
  if (!value || !GST_VALUE_HOLDS_BUFFER(value)) return true;
  const gst::MappedBuffer map(gst::Ref<GstBuffer>::retain(gst_value_get_buffer(value)));
  codec->extradata = static_cast<uint8_t*>(av_mallocz(map.bytes().size() + AV_INPUT_BUFFER_PADDING_SIZE));
  if (!codec->extradata) return false;
  std::memcpy(codec->extradata, map.bytes().data(), map.bytes().size());
  codec->extradata_size = static_cast<int>(map.bytes().size());
  return true;
}

CodecPtr open(const GstCaps* caps) {
  const AVCodec* found = avcodec_find_decoder(codec_of(caps));
  CodecPtr codec(found ? avcodec_alloc_context3(found) : nullptr);
  if (!codec) return nullptr;
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  codec->thread_count = 1;
  codec->log_level_offset = AV_LOG_TRACE;  // what strangers send wrong is counted, not told on stderr
  codec->max_pixels = kMostPixels;
  codec->skip_loop_filter = AVDISCARD_ALL;  // blocks show a little more: far less than what counts as an edge
  codec->flags2 |= AV_CODEC_FLAG2_FAST;
  gst_structure_get_int(structure, "rate", &codec->sample_rate);
  int channels = 0;
  if (gst_structure_get_int(structure, "channels", &channels))
    av_channel_layout_default(&codec->ch_layout, channels);
  if (!set_extradata(codec.get(), structure) || avcodec_open2(codec.get(), found, nullptr) < 0)
    return nullptr;
  return codec;
}

bool send(AVCodecContext* codec, GstBuffer* buffer) {
  const gst::MappedBuffer map(gst::Ref<GstBuffer>::retain(buffer));
  const PacketPtr packet(av_packet_alloc());
  if (!packet || av_new_packet(packet.get(), static_cast<int>(map.bytes().size())) < 0) return false;
  std::memcpy(packet->data, map.bytes().data(), map.bytes().size());
  packet->flags |= AV_PKT_FLAG_KEY;
  return avcodec_send_packet(codec, packet.get()) >= 0;
}

// The luma plane as 8 bits; `narrowed` is what it lies in where the picture has more.
bool luma_of(const AVFrame& frame, std::vector<uint8_t>& narrowed, content::Luma& luma) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (!format || format->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE |
                                  AV_PIX_FMT_FLAG_PAL))
    return false;
  const AVComponentDescriptor& y = format->comp[0];
  const int bytes = y.depth > 8 ? 2 : 1;
  if (y.plane != 0 || y.step != bytes || y.depth > 16 || frame.linesize[0] < frame.width * bytes)
    return false;
  const bool full = frame.color_range == AVCOL_RANGE_JPEG || frame.format == AV_PIX_FMT_YUVJ420P ||
                    frame.format == AV_PIX_FMT_YUVJ422P || frame.format == AV_PIX_FMT_YUVJ444P;
  luma = {frame.data[0], static_cast<size_t>(frame.linesize[0]), frame.width, frame.height, full};
  if (bytes == 1) return true;
  narrowed.resize(static_cast<size_t>(frame.width) * frame.height);
  for (int row = 0; row < frame.height; ++row) {
    const auto* in =
        reinterpret_cast<const uint16_t*>(frame.data[0] + static_cast<ptrdiff_t>(row) * frame.linesize[0]);
    uint8_t* out = narrowed.data() + static_cast<size_t>(row) * frame.width;
    for (int column = 0; column < frame.width; ++column)
      out[column] = static_cast<uint8_t>(in[column] >> y.shift >> (y.depth - 8));
  }
  luma.data = narrowed.data();
  luma.stride = static_cast<size_t>(frame.width);
  return true;
}

template <typename Sample>
float as_float(Sample sample) {
  if constexpr (std::is_floating_point_v<Sample>)
    return static_cast<float>(sample);
  else
    return static_cast<float>(sample) / -static_cast<float>(std::numeric_limits<Sample>::min());
}

template <typename Sample>
void add_samples(const AVFrame& frame, bool planar, content::Ear& ear) {
  const auto channels = static_cast<size_t>(frame.ch_layout.nb_channels);
  const auto count = static_cast<size_t>(frame.nb_samples);
  std::vector<float> samples(planar ? count : count * channels);
  for (size_t plane = 0; plane < (planar ? channels : 1); ++plane) {
    const auto* in = reinterpret_cast<const Sample*>(frame.extended_data[plane]);
    for (size_t i = 0; i < samples.size(); ++i) samples[i] = as_float(in[i]);
    ear.add(samples, planar ? 1 : channels);
  }
}

bool hear(const AVFrame& frame, content::Ear& ear) {
  const auto format = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_FLT:
      add_samples<float>(frame, planar, ear);
      return true;
    case AV_SAMPLE_FMT_S16:
      add_samples<int16_t>(frame, planar, ear);
      return true;
    case AV_SAMPLE_FMT_S32:
      add_samples<int32_t>(frame, planar, ear);
      return true;
    default:
      return false;
  }
}

}  // namespace

bool can_decode(const GstCaps* caps) {
  const AVCodecID id = codec_of(caps);
  return id != AV_CODEC_ID_NONE && avcodec_find_decoder(id);
}

FramePtr decode_picture(const GstCaps* caps, GstBuffer* key_frame) {
  const CodecPtr codec = open(caps);
  FramePtr frame(av_frame_alloc());
  if (!codec || !frame || !send(codec.get(), key_frame)) return nullptr;
  avcodec_send_packet(codec.get(), nullptr);
  if (avcodec_receive_frame(codec.get(), frame.get()) < 0) return nullptr;
  return frame;
}

bool look_at_luma(const AVFrame& picture, const std::function<void(const content::Luma&)>& look) {
  std::vector<uint8_t> narrowed;
  content::Luma luma;
  if (!luma_of(picture, narrowed, luma)) return false;
  look(luma);
  return true;
}

bool decode_sound(const GstCaps* caps, std::span<GstBuffer* const> frames, content::Ear& ear) {
  const CodecPtr codec = open(caps);
  const FramePtr frame(av_frame_alloc());
  if (!codec || !frame) return false;
  size_t decoded = 0;
  for (GstBuffer* buffer : frames) {
    if (!send(codec.get(), buffer)) return false;
    while (avcodec_receive_frame(codec.get(), frame.get()) >= 0)
      if (++decoded > kOverlapFrames && !hear(*frame, ear)) return false;
  }
  return ear.samples() > 0;
}

}  // namespace headgate::healthprobe
