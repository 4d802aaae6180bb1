// SPDX-License-Identifier: LGPL-2.1-or-later
#include "track_finder.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <codec/access_unit.h>
#include <codec/stream_config.h>

#include "mapped_buffer.h"

namespace headgate::gst {
namespace {

using codec::Codec;
using codec::Track;

constexpr std::pair<std::string_view, Codec> kNames[] = {
    {"video/x-h264", Codec::h264}, {"video/x-h265", Codec::h265}, {"video/x-av1", Codec::av1},
    {"video/x-vp9", Codec::vp9},   {"audio/mpeg", Codec::aac},    {"audio/x-opus", Codec::opus},
    {"audio/x-ac3", Codec::ac3},   {"audio/x-eac3", Codec::eac3}, {"audio/x-flac", Codec::flac},
};

bool stands_in_the_stream(Codec codec) {
  return codec == Codec::av1 || codec == Codec::vp9 || codec == Codec::ac3 || codec == Codec::eac3;
}

uint32_t number(const GstStructure* structure, const char* field) {
  int value = 0;
  gst_structure_get_int(structure, field, &value);
  return static_cast<uint32_t>(std::max(value, 0));
}

uint32_t frame_rate_milli(const GstStructure* structure) {
  int over = 0, under = 1;
  gst_structure_get_fraction(structure, "framerate", &over, &under);
  if (over <= 0 || under <= 0) return 0;
  constexpr guint64 kMaxFrameRateMilli = 1'000'000;
  return static_cast<uint32_t>(std::min(gst_util_uint64_scale_int(1000, over, under), kMaxFrameRateMilli));
}

ByteVector bytes_of(const GValue* value) {
  if (!value || !GST_VALUE_HOLDS_BUFFER(value)) return {};
  const MappedBuffer mapped(Ref<GstBuffer>::retain(gst_value_get_buffer(value)));
  return {mapped.bytes().begin(), mapped.bytes().end()};
}

// codec_data; or what the packets of streamheader are together (one for Opus, whose second are comments).
ByteVector header_of(const GstStructure* structure, Codec codec) {
  if (const GValue* value = gst_structure_get_value(structure, "codec_data")) return bytes_of(value);
  const GValue* headers = gst_structure_get_value(structure, "streamheader");
  ByteVector whole;
  if (!headers || !GST_VALUE_HOLDS_ARRAY(headers)) return whole;
  for (guint i = 0; i < gst_value_array_get_size(headers) && whole.size() < codec::kMaxConfigBytes; ++i) {
    const ByteVector one = bytes_of(gst_value_array_get_value(headers, i));
    whole.insert(whole.end(), one.begin(), one.end());
    if (codec == Codec::opus) break;
  }
  return whole;
}

// The first packet of FLAC in Ogg (RFC 9639, 10.1): packet type, "FLAC", version, count; then the native
// stream.
Result<Track> flac_track(Bytes header) {
  constexpr size_t kOggBytes = 9;
  const bool ogg = header.size() > kOggBytes && header[0] == std::byte{0x7f};
  return codec::track_from_flac(ogg ? header.subspan(kOggBytes) : header);
}

// Of a demuxer that has kept no OpusHead.
Result<Track> opus_track(const GstStructure* structure) {
  std::array<uint8_t, 255> mapping{};
  const GValue* channels = gst_structure_get_value(structure, "channel-mapping");
  const guint mapped = channels && GST_VALUE_HOLDS_ARRAY(channels)
                           ? std::min<guint>(gst_value_array_get_size(channels), mapping.size())
                           : 0;
  for (guint i = 0; i < mapped; ++i) {
    const GValue* value = gst_value_array_get_value(channels, i);
    if (G_VALUE_HOLDS_INT(value)) mapping[i] = static_cast<uint8_t>(g_value_get_int(value));
  }
  codec::OpusLayout layout;
  layout.channels = static_cast<uint8_t>(number(structure, "channels"));
  layout.family = static_cast<uint8_t>(number(structure, "channel-mapping-family"));
  layout.streams = static_cast<uint8_t>(number(structure, "stream-count"));
  layout.coupled = static_cast<uint8_t>(number(structure, "coupled-count"));
  layout.mapping = std::span(mapping).first(mapped);
  return codec::track_from_opus_layout(layout);
}

Result<Track> track_from(Codec codec, Bytes config, const GstStructure* structure) {
  switch (codec) {
    case Codec::h264:
      return codec::track_from_avcc(config);
    case Codec::h265:
      return codec::track_from_hvcc(config);
    case Codec::av1:
      return codec::track_from_av1c(config);
    case Codec::vp9:
      return codec::track_from_vpcc(config, number(structure, "width"), number(structure, "height"));
    case Codec::aac:
      return codec::track_from_asc(config);
    case Codec::opus:
      return codec::track_from_opus_head(config);
    case Codec::ac3:
      return codec::track_from_dac3(config);
    case Codec::eac3:
      return codec::track_from_dec3(config);
    case Codec::flac:
      return flac_track(config);
    case Codec::mjpeg:
      break;  // comes in nowhere
  }
  return Unexpected("no such codec");
}

// What a player must know of before it can go on. The records also have what is only somebody's word: AC-3's
// bit rate, VP9's level. Of AV1's and VP9's the first three bytes are profile, level (VP9: left out), tier,
// bit depth and chroma.
bool another(const Track& known, const Track& found) {
  if (known.kind == codec::Kind::audio)
    return known.sample_rate != found.sample_rate || known.channels != found.channels;
  if (known.width != found.width || known.height != found.height) return true;
  const bool vp9 = found.codec == Codec::vp9;
  const auto profile = [vp9](const Track& track) { return track.config[vp9 ? 0 : 1]; };
  const auto depth = [vp9](const Track& track) { return track.config[2] >> (vp9 ? 4 : 0); };
  return profile(known) != profile(found) || depth(known) != depth(found);
}

}  // namespace

Result<std::optional<Track>> TrackFinder::caps(const GstCaps* caps) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  const auto* const found = std::find_if(std::begin(kNames), std::end(kNames), [&](const auto& known) {
    return gst_structure_has_name(structure, known.first.data());
  });
  track_.reset();
  if (found == std::end(kNames)) return Unexpected("caps of a codec that is not taken");
  codec_ = found->second;
  frame_rate_milli_ = frame_rate_milli(structure);
  const char* alignment = gst_structure_get_string(structure, "alignment");
  if (codec_ == Codec::vp9 && g_strcmp0(alignment, "frame") == 0)
    return Unexpected("VP9 in frames: MP4 has superframes (alignment=super-frame of vp9parse)");
  const ByteVector config = header_of(structure, codec_);
  Result<Track> track =
      config.empty() && codec_ == Codec::opus ? opus_track(structure) : track_from(codec_, config, structure);
  // A record that is missing, or is not one (qtdemux 1.22's of AV1), does not matter where the stream has it.
  if (track && (track->kind == codec::Kind::audio || (track->width > 0 && track->height > 0)))
    track_ = std::move(track).value();
  else if (!stands_in_the_stream(codec_))
    return Unexpected(config.empty() && codec_ != Codec::opus
                          ? std::string("caps without codec_data; a parser before this pad adds it")
                          : track.error().message);
  return track_;
}

std::optional<Track> TrackFinder::look(Bytes unit) {
  if (!stands_in_the_stream(codec_)) return std::nullopt;
  Result<Track> found = codec::track_from_access_unit(codec_, unit, frame_rate_milli_);
  if (!found || (track_ && !another(*track_, *found))) return std::nullopt;
  track_ = std::move(found).value();
  return track_;
}

bool TrackFinder::usable(Bytes unit) const {
  return track_ && (codec_ != Codec::flac || codec::frame_samples(*track_, unit) > 0);
}

}  // namespace headgate::gst
