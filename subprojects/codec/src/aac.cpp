// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>
#include <array>

#include <codec/track.h>

#include "asc.h"
#include "bits.h"

namespace headgate::codec {
namespace {

Unexpected wrong(const std::string& what) {
  return Unexpected("AudioSpecificConfig: " + what);
}

unsigned read_object_type(BitReader& reader) {
  constexpr unsigned kEscape = 31;
  const unsigned type = reader.bits(5);
  return type == kEscape ? 32 + reader.bits(6) : type;
}

// 0: a reserved index.
uint32_t read_rate(BitReader& reader) {
  constexpr std::array<uint32_t, 13> kRates{96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                            22050, 16000, 12000, 11025, 8000,  7350};
  constexpr uint32_t kEscape = 15;
  const uint32_t index = reader.bits(4);
  if (index == kEscape) return reader.bits(24);
  return index < kRates.size() ? kRates[index] : 0;
}

// channelConfiguration (table 1.19 with amendment 4). 0: reserved.
unsigned channels_of(unsigned configuration) {
  constexpr std::array<uint8_t, 16> kChannels{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8, 0};
  return kChannels[configuration];
}

// program_config_element() (4.4.1.1): how many channels its elements make.
unsigned read_pce_channels(BitReader& reader) {
  reader.skip(4 + 2 + 4);  // element_instance_tag, object_type, sampling_frequency_index
  const unsigned front = reader.bits(4), side = reader.bits(4), back = reader.bits(4);
  const unsigned lfe = reader.bits(2), data = reader.bits(3), coupling = reader.bits(4);
  if (reader.flag()) reader.skip(4);  // mono mixdown
  if (reader.flag()) reader.skip(4);  // stereo mixdown
  if (reader.flag()) reader.skip(3);  // matrix mixdown
  unsigned channels = lfe;
  for (unsigned i = 0; i < front + side + back; ++i) {
    channels += reader.flag() ? 2 : 1;  // a channel pair or a single channel
    reader.skip(4);
  }
  reader.skip(size_t{lfe} * 4 + size_t{data} * 4 + size_t{coupling} * 5);
  return channels;
}

// Backward-compatible signalling behind the core's configuration: SBR, and PS within it (1.6.6).
void read_sync_extension(BitReader& reader, Asc& asc) {
  constexpr uint32_t kSbrSync = 0x2b7, kPsSync = 0x548;
  if (reader.remaining() < 16 || reader.bits(11) != kSbrSync) return;
  if (read_object_type(reader) != kSbr || !reader.flag()) return;
  const uint32_t rate = read_rate(reader);
  if (!reader.ok() || rate == 0) return;
  asc.output_rate = rate;
  if (reader.remaining() >= 12 && reader.bits(11) == kPsSync && reader.flag() && asc.channels == 1)
    asc.channels = 2;
}

}  // namespace

Result<Asc> parse_asc(Bytes bytes) {
  if (bytes.size() > kMaxConfigBytes)
    return wrong(std::to_string(bytes.size()) + " bytes, more than " + std::to_string(kMaxConfigBytes));
  BitReader reader(bytes);
  Asc asc;
  asc.object_type = asc.core_object_type = read_object_type(reader);
  asc.core_rate = asc.output_rate = read_rate(reader);
  const unsigned configuration = asc.channel_configuration = reader.bits(4);
  const bool hierarchical = asc.object_type == kSbr || asc.object_type == kPs;
  if (hierarchical) {
    asc.output_rate = read_rate(reader);
    asc.core_object_type = read_object_type(reader);
  }
  if (!reader.ok()) return wrong("ends too early");
  if (asc.core_object_type < kAacMain || asc.core_object_type > kAacLtp)
    return wrong("audio object type " + std::to_string(asc.core_object_type) +
                 " is not supported (AAC Main, LC, SSR, LTP and HE-AAC over them are)");
  if (asc.core_rate == 0 || asc.output_rate == 0) return wrong("reserved sampling frequency");
  constexpr uint32_t kMaxRate = 1'000'000;  // 24 bits could say more, nothing means it
  if (std::max(asc.core_rate, asc.output_rate) > kMaxRate)
    return wrong("sampling frequency of " + std::to_string(std::max(asc.core_rate, asc.output_rate)));

  // GASpecificConfig (4.4.1)
  asc.frame_samples = reader.flag() ? 960 : 1024;
  if (reader.flag()) reader.skip(14);  // dependsOnCoreCoder: coreCoderDelay
  const bool extension = reader.flag();
  asc.channels = configuration == 0 ? read_pce_channels(reader) : channels_of(configuration);
  if (extension) reader.flag();  // extensionFlag3
  if (!reader.ok()) return wrong("ends too early");
  if (asc.channels == 0)
    return wrong("channel configuration " + std::to_string(configuration) + " has no channels");
  if (asc.object_type == kPs && asc.channels == 1) asc.channels = 2;
  if (configuration == 0) {
    // byte_alignment() and a comment stand between the PCE and whatever extension follows.
    reader.align();
    reader.skip(size_t{reader.bits(8)} * 8);
    if (!reader.ok()) return wrong("program config element: ends too early");
  }
  if (!hierarchical) read_sync_extension(reader, asc);
  return asc;
}

Result<Track> track_from_asc(Bytes bytes) {
  Result<Asc> asc = parse_asc(bytes);
  if (!asc) return Unexpected(asc.error());
  Track track;
  track.codec = Codec::aac;
  track.kind = Kind::audio;
  track.config.assign(bytes.begin(), bytes.end());
  track.timescale = asc->core_rate;
  track.sample_rate = asc->output_rate;
  track.channels = asc->channels;
  track.frame_samples = asc->frame_samples;
  return track;
}

}  // namespace headgate::codec
