// SPDX-License-Identifier: LGPL-2.1-or-later
// Decoder configurations, and the parameter sets, headers and frames of which they are made. First byte:
// which. Whatever is taken must fit its limits, survive being written into an init segment, and come back
// from there as it was.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <codec/access_unit.h>
#include <codec/byte_stream.h>
#include <codec/nal.h>
#include <codec/stream_config.h>
#include <fmp4/reader.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check_init(const codec::Track& track) {
  fmp4::Presentation presentation;
  (track.kind == codec::Kind::video ? presentation.video : presentation.audio) = track;
  const Result<ByteVector> init = fmp4::init_segment(presentation);
  require(init.has_value());
  const Result<fmp4::InitInfo> info = fmp4::read_init(fmp4::source_of(*init));
  require(info.has_value());
  const std::optional<codec::Track>& back =
      track.kind == codec::Kind::video ? info->presentation.video : info->presentation.audio;
  require(back && back->codec == track.codec && back->config == track.config &&
          back->timescale == track.timescale && back->width == track.width && back->height == track.height &&
          back->channels == track.channels);
}

void check(const Result<codec::Track>& track) {
  if (!track) {
    require(!track.error().message.empty());
    return;
  }
  require(!codec::codecs_string(*track).empty() && codec::codecs_string(*track).size() < 64);
  require(track->timescale > 0 && !track->config.empty() && track->config.size() <= codec::kMaxConfigBytes);
  if (track->kind == codec::Kind::video)
    require(track->width > 0 && track->height > 0 && track->width <= 16384 && track->height <= 16384);
  else
    require(track->channels > 0 && track->sample_rate > 0);
  check_init(*track);
}

// Parameter sets as MPEG-TS has them.
void check_byte_stream(codec::Codec codec, Bytes bytes) {
  std::vector<Bytes> vps, sps, pps;
  codec::ByteStreamReader reader(bytes);
  while (const std::optional<Bytes> nal = reader.next()) {
    require(!nal->empty() && nal->data() >= bytes.data() &&
            nal->data() + nal->size() <= bytes.data() + bytes.size());
    const auto first = std::to_integer<unsigned>((*nal)[0]);
    const unsigned type = codec == codec::Codec::h264 ? first & 0x1f : first >> 1 & 0x3f;
    if (codec == codec::Codec::h264 ? type == 7 : type == 33) sps.push_back(*nal);
    if (codec == codec::Codec::h264 ? type == 8 : type == 34) pps.push_back(*nal);
    if (codec == codec::Codec::h265 && type == 32) vps.push_back(*nal);
    (void)codec::is_key_nal(codec, *nal);
  }
  check(codec == codec::Codec::h264 ? codec::track_from_h264_sets(sps, pps)
                                    : codec::track_from_h265_sets(vps, sps, pps));
}

void check_frame(codec::Codec codec, Bytes frame) {
  check(codec::track_from_access_unit(codec, frame, 25000));
  codec::Track track;
  track.codec = codec;
  (void)codec::is_key(track, frame);
  require(codec::frame_samples(track, frame) <= codec::kMaxFrameSamples);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0]) {
    case 0:
      check(codec::track_from_hvcc(bytes));
      break;
    case 1:
      check(codec::track_from_av1c(bytes));
      break;
    case 2:
      check(codec::track_from_vpcc(bytes, 1920, 1080));
      break;
    case 3:
      check(codec::track_from_opus_head(bytes));
      break;
    case 4:
      check(codec::track_from_dops(bytes));
      break;
    case 5:
      check(codec::track_from_dac3(bytes));
      break;
    case 6:
      check(codec::track_from_dec3(bytes));
      break;
    case 7:
      check(codec::track_from_flac(bytes));
      break;
    case 8:
      check(codec::track_from_adts(bytes));
      break;
    case 9:
      check_byte_stream(codec::Codec::h264, bytes);
      break;
    case 10:
      check_byte_stream(codec::Codec::h265, bytes);
      break;
    case 11:
      (void)codec::without_temporal_delimiter(bytes);
      check_frame(codec::Codec::av1, bytes);
      break;
    case 12:
      check_frame(codec::Codec::vp9, bytes);
      break;
    case 13:
      check_frame(codec::Codec::ac3, bytes);
      break;
    case 14:
      check_frame(codec::Codec::eac3, bytes);
      break;
    case 15:
      check_frame(codec::Codec::opus, bytes);
      break;
    case 16:
      check_frame(codec::Codec::flac, bytes);
      break;
    case 17:
      check(codec::track_from_avcc(bytes));
      break;
    case 18:
      check(codec::track_from_asc(bytes));
      break;
    default:
      break;
  }
  return 0;
}
