// SPDX-License-Identifier: LGPL-2.1-or-later
#include "codec_caps.h"

#include <gst/pbutils/codec-utils.h>

#include <codec/stream_config.h>

#include <string>

namespace headgate::gst {
namespace {

// AVCDecoderConfigurationRecord: SPS length at 6, its bytes from 8, profile_idc behind the NAL header
// (ISO/IEC 14496-15, 5.3.3.1). HEVCDecoderConfigurationRecord: 12 bytes of profile, tier and level from 1
// (8.3.3.1). codec::track_from_…() has checked the records.
constexpr size_t kAvcSpsAt = 8, kHevcProfileAt = 1, kHevcProfileBytes = 12;
constexpr char kFlacMarker[] = "fLaC";

Ref<GstBuffer> buffer_of(Bytes bytes) {
  return Ref<GstBuffer>::adopt(gst_buffer_new_memdup(bytes.data(), bytes.size()));
}

void set_buffer(GstCaps* caps, const char* field, Bytes bytes) {
  gst_caps_set_simple(caps, field, GST_TYPE_BUFFER, buffer_of(bytes).get(), nullptr);
}

Ref<GstCaps> video_caps(const char* name, const codec::Track& track) {
  auto caps = Ref<GstCaps>::adopt(gst_caps_new_empty_simple(name));
  gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, static_cast<int>(track.width), "height", G_TYPE_INT,
                      static_cast<int>(track.height), nullptr);
  set_buffer(caps.get(), "codec_data", track.config);
  return caps;
}

void set_format(GstCaps* caps, const char* stream_format, const char* alignment) {
  gst_caps_set_simple(caps, "stream-format", G_TYPE_STRING, stream_format, "alignment", G_TYPE_STRING,
                      alignment, nullptr);
}

Ref<GstCaps> audio_caps(const char* name, const codec::Track& track, Bytes config) {
  auto caps = Ref<GstCaps>::adopt(gst_caps_new_simple(
      name, "framed", G_TYPE_BOOLEAN, TRUE, "rate", G_TYPE_INT, static_cast<int>(track.sample_rate),
      "channels", G_TYPE_INT, static_cast<int>(track.channels), nullptr));
  set_buffer(caps.get(), "codec_data", config);
  return caps;
}

Ref<GstCaps> avc_caps(const codec::Track& track, const guint8* config) {
  auto caps = video_caps("video/x-h264", track);
  set_format(caps.get(), "avc", "au");
  if (track.config.size() > kAvcSpsAt + 4)
    gst_codec_utils_h264_caps_set_level_and_profile(caps.get(), config + kAvcSpsAt + 1,
                                                    static_cast<guint>(track.config.size() - kAvcSpsAt - 1));
  return caps;
}

Ref<GstCaps> hevc_caps(const codec::Track& track, const guint8* config) {
  auto caps = video_caps("video/x-h265", track);
  set_format(caps.get(), "hvc1", "au");
  if (track.config.size() >= kHevcProfileAt + kHevcProfileBytes)
    gst_codec_utils_h265_caps_set_level_tier_and_profile(caps.get(), config + kHevcProfileAt,
                                                         kHevcProfileBytes);
  return caps;
}

Ref<GstCaps> opus_caps(const codec::Track& track) {
  const ByteVector head = codec::opus_head_of(track);
  auto caps =
      Ref<GstCaps>::adopt(gst_codec_utils_opus_create_caps_from_header(buffer_of(head).get(), nullptr));
  if (!caps) caps = audio_caps("audio/x-opus", track, head);
  set_buffer(caps.get(), "codec_data", head);
  return caps;
}

Ref<GstCaps> flac_caps(const codec::Track& track) {
  ByteVector native;
  ByteWriter(native).text(kFlacMarker);
  ByteWriter(native).bytes(track.config);
  auto caps = audio_caps("audio/x-flac", track, native);
  ByteVector ogg;
  ByteWriter writer(ogg);
  writer.u8(0x7f);
  writer.text("FLAC");
  writer.u16(0x0100);  // version of the mapping
  writer.u16(0);       // header packets behind this one: not said
  writer.bytes(native);
  GValue headers = G_VALUE_INIT, header = G_VALUE_INIT;
  g_value_init(&headers, GST_TYPE_ARRAY);
  g_value_init(&header, GST_TYPE_BUFFER);
  gst_value_set_buffer(&header, buffer_of(ogg).get());
  gst_value_array_append_and_take_value(&headers, &header);
  gst_caps_set_value(caps.get(), "streamheader", &headers);
  g_value_unset(&headers);
  return caps;
}

Ref<GstCaps> aac_caps(const codec::Track& track, const guint8* config) {
  auto caps = audio_caps("audio/mpeg", track, track.config);
  gst_caps_set_simple(caps.get(), "mpegversion", G_TYPE_INT, 4, "stream-format", G_TYPE_STRING, "raw",
                      nullptr);
  gst_codec_utils_aac_caps_set_level_and_profile(caps.get(), config, static_cast<guint>(track.config.size()));
  return caps;
}

Ref<GstCaps> vp9_caps(const codec::Track& track) {
  auto caps = video_caps("video/x-vp9", track);
  gst_caps_set_simple(caps.get(), "alignment", G_TYPE_STRING, "super-frame", nullptr);
  // vpcC begins with the profile (VP-codec-ISOBMFF, 2).
  if (!track.config.empty())
    gst_caps_set_simple(caps.get(), "profile", G_TYPE_STRING,
                        std::to_string(std::to_integer<int>(track.config[0])).c_str(), nullptr);
  return caps;
}

}  // namespace

Ref<GstCaps> caps_of(const codec::Track& track) {
  const auto* config = reinterpret_cast<const guint8*>(track.config.data());
  switch (track.codec) {
    case codec::Codec::h264:
      return avc_caps(track, config);
    case codec::Codec::h265:
      return hevc_caps(track, config);
    case codec::Codec::vp9:
      return vp9_caps(track);
    case codec::Codec::av1: {
      auto caps = video_caps("video/x-av1", track);
      set_format(caps.get(), "obu-stream", "tu");
      return caps;
    }
    case codec::Codec::mjpeg:
      return video_caps("image/jpeg", track);
    case codec::Codec::opus:
      return opus_caps(track);
    case codec::Codec::flac:
      return flac_caps(track);
    case codec::Codec::ac3:
      return audio_caps("audio/x-ac3", track, track.config);
    case codec::Codec::eac3:
      return audio_caps("audio/x-eac3", track, track.config);
    case codec::Codec::aac:
      break;
  }
  return aac_caps(track, config);
}

}  // namespace headgate::gst
