// SPDX-License-Identifier: LGPL-2.1-or-later
// AC-3 and Enhanced AC-3 (ETSI TS 102 366): syncframe headers (4.3, E.1.2), AC3SpecificBox (F.4),
// EC3SpecificBox (F.6).
#include <array>
#include <bit>

#include <codec/stream_config.h>
#include <codec/track.h>

#include "bits.h"

namespace headgate::codec {
namespace {

constexpr std::array<uint32_t, 3> kRates{48000, 44100, 32000};            // fscod
constexpr std::array<uint8_t, 8> kAcmodChannels{2, 1, 2, 3, 3, 4, 4, 5};  // acmod
constexpr uint32_t kBlockSamples = 256, kSyncword = 0x0b77;
constexpr unsigned kMaxAc3Bsid = 8, kMinEac3Bsid = 11, kMaxEac3Bsid = 16;
constexpr unsigned kMaxSubstreams = 8;
// Table 4.13, kbit/s by frmsizecod / 2.
constexpr std::array<uint32_t, 19> kBitRates{32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                                             192, 224, 256, 320, 384, 448, 512, 576, 640};

// strmtyp (E.1.3.1.1)
enum class StreamType : uint8_t { independent = 0, dependent = 1, converted = 2, reserved = 3 };

struct Header {
  Codec codec = Codec::ac3;
  size_t bytes = 0;
  unsigned fscod = 0, bsid = 0, bsmod = 0, acmod = 0, lfe = 0;
  uint32_t rate = 0, blocks = 6;
  unsigned rate_code = 0;  // AC-3: frmsizecod / 2
  StreamType type = StreamType::independent;
  unsigned substream = 0;
  uint32_t channel_map = 0;  // E-AC-3: chanmap, 0 where there is none
};

std::optional<Header> read_ac3(BitReader& reader) {
  Header header;
  reader.skip(16);  // crc1
  header.fscod = reader.bits(2);
  const unsigned size_code = reader.bits(6);
  header.bsid = reader.bits(5);
  header.bsmod = reader.bits(3);
  header.acmod = reader.bits(3);
  if ((header.acmod & 1) != 0 && header.acmod != 1) reader.skip(2);  // cmixlev
  if ((header.acmod & 4) != 0) reader.skip(2);                       // surmixlev
  if (header.acmod == 2) reader.skip(2);                             // dsurmod
  header.lfe = reader.bits(1);
  header.rate_code = size_code / 2;
  if (!reader.ok() || header.fscod >= kRates.size() || header.rate_code >= kBitRates.size())
    return std::nullopt;
  header.rate = kRates[header.fscod];
  const uint32_t kilobits = kBitRates[header.rate_code];
  const uint32_t words = header.fscod == 0   ? kilobits * 2
                         : header.fscod == 1 ? kilobits * 320 / 147 + size_code % 2
                                             : kilobits * 3;
  header.bytes = size_t{words} * 2;
  return header;
}

std::optional<Header> read_eac3(BitReader& reader) {
  constexpr std::array<uint32_t, 4> kBlocks{1, 2, 3, 6};
  Header header;
  header.codec = Codec::eac3;
  header.type = static_cast<StreamType>(reader.bits(2));
  header.substream = reader.bits(3);
  header.bytes = (size_t{reader.bits(11)} + 1) * 2;
  header.fscod = reader.bits(2);
  const unsigned second = reader.bits(2);  // numblkscod, or fscod2 where the rate is halved
  header.acmod = reader.bits(3);
  header.lfe = reader.bits(1);
  header.bsid = reader.bits(5);
  const bool half_rate = header.fscod == kRates.size();
  if (half_rate && second >= kRates.size()) return std::nullopt;
  header.rate = half_rate ? kRates[second] / 2 : kRates[header.fscod];
  header.blocks = half_rate ? 6 : kBlocks[second];
  for (int programs = header.acmod == 0 ? 2 : 1; programs > 0; --programs) {
    reader.skip(5);                     // dialnorm
    if (reader.flag()) reader.skip(8);  // compr
  }
  if (header.type == StreamType::dependent && reader.flag()) header.channel_map = reader.bits(16);
  if (!reader.ok() || header.type == StreamType::reserved) return std::nullopt;
  return header;
}

std::optional<Header> read_header(Bytes frame) {
  constexpr size_t kBsidAt = 5;  // in both
  if (frame.size() <= kBsidAt) return std::nullopt;
  const unsigned bsid = std::to_integer<unsigned>(frame[kBsidAt]) >> 3;
  constexpr size_t kLongestHeader = 16;
  BitReader reader(frame.first(std::min(frame.size(), kLongestHeader)));
  if (reader.bits(16) != kSyncword) return std::nullopt;
  if (bsid <= kMaxAc3Bsid) return read_ac3(reader);
  if (bsid >= kMinEac3Bsid && bsid <= kMaxEac3Bsid) return read_eac3(reader);
  return std::nullopt;
}

uint32_t channels_of(unsigned acmod, unsigned lfe) {
  return kAcmodChannels[acmod] + lfe;
}

Track make_track(Codec codec, uint32_t rate, uint32_t channels) {
  Track track;
  track.codec = codec;
  track.kind = Kind::audio;
  track.timescale = track.sample_rate = rate;
  track.channels = channels;
  track.frame_samples = 6 * kBlockSamples;
  return track;
}

// chan_loc (F.6.2.13) of a chanmap (table E.1.5), in which L is the highest bit: what is beyond 5.1.
uint32_t locations_of(uint32_t channel_map) {
  // Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw, Lvh/Rvh, Cvh; then LFE2, before which the map has Lts/Rts.
  constexpr unsigned kFirst = 10, kLfe2 = 1, kLfe2Location = 8;
  uint32_t locations = (channel_map >> kLfe2 & 1) << kLfe2Location;
  for (unsigned bit = 0; bit < kLfe2Location; ++bit) locations |= (channel_map >> (kFirst - bit) & 1) << bit;
  return locations;
}

uint32_t channels_at(uint32_t locations) {
  constexpr uint32_t kPairs = 1u << 0 | 1u << 1 | 1u << 4 | 1u << 5 | 1u << 6;
  return static_cast<uint32_t>(std::popcount(locations) + std::popcount(locations & kPairs));
}

struct Substream {
  Header header;
  unsigned dependents = 0;
  uint32_t locations = 0;
};

}  // namespace

std::optional<Ac3Frame> ac3_frame(Bytes bytes) {
  const std::optional<Header> header = read_header(bytes);
  if (!header) return std::nullopt;
  Ac3Frame frame;
  frame.codec = header->codec;
  frame.bytes = header->bytes;
  frame.samples = header->blocks * kBlockSamples;
  frame.begins_unit = header->type != StreamType::dependent && header->substream == 0;
  return frame;
}

Result<Track> track_from_ac3_frame(Bytes frame) {
  const std::optional<Header> header = read_header(frame);
  if (!header || header->codec != Codec::ac3) return Unexpected("AC-3: no syncframe");
  Track track = make_track(Codec::ac3, header->rate, channels_of(header->acmod, header->lfe));
  ByteWriter out(track.config);
  out.u24(header->fscod << 22 | header->bsid << 17 | header->bsmod << 14 | header->acmod << 11 |
          header->lfe << 10 | header->rate_code << 5);
  return track;
}

Result<Track> track_from_dac3(Bytes dac3) {
  BitReader reader(dac3);
  const unsigned fscod = reader.bits(2);
  reader.skip(5 + 3);  // bsid, bsmod
  const unsigned acmod = reader.bits(3), lfe = reader.bits(1);
  reader.skip(5 + 5);
  if (!reader.ok()) return Unexpected("dac3: ends too early");
  if (fscod >= kRates.size()) return Unexpected("dac3: reserved sampling rate");
  Track track = make_track(Codec::ac3, kRates[fscod], channels_of(acmod, lfe));
  track.config.assign(dac3.begin(), dac3.begin() + 3);
  return track;
}

Result<Track> track_from_eac3_frame(Bytes unit) {
  std::vector<Substream> substreams;
  size_t bytes = 0;
  uint32_t blocks = 0;
  bool first_round = true;  // frames of fewer blocks come again, until the unit has six
  while (const std::optional<Header> header = read_header(unit)) {
    if (header->codec != Codec::eac3) break;
    bytes += header->bytes;
    if (header->type == StreamType::dependent) {
      if (substreams.empty()) break;
      Substream& parent = substreams.back();
      if (first_round) {
        ++parent.dependents;
        parent.locations |= locations_of(header->channel_map);
      }
    } else {
      if (header->substream == 0) {
        first_round = blocks == 0;
        blocks += header->blocks;
      }
      if (header->substream == substreams.size()) substreams.push_back({*header, 0, 0});
    }
    if (header->bytes >= unit.size()) break;
    unit = unit.subspan(header->bytes);
  }
  if (substreams.empty() || blocks == 0) return Unexpected("E-AC-3: no independent syncframe 0");
  const Header& first = substreams[0].header;
  // dec3 does not say which.
  if (first.fscod >= kRates.size()) return Unexpected("E-AC-3: reduced sampling rate");
  const uint32_t channels = channels_of(first.acmod, first.lfe) + channels_at(substreams[0].locations);
  Track track = make_track(Codec::eac3, first.rate, channels);
  track.frame_samples = blocks * kBlockSamples;
  // To the nearest 8 kbit/s: at 44.1 kHz frames of a constant rate differ by two bytes, and a configuration
  // that differed by as much would be another one.
  constexpr uint64_t kStep = 8, kMaxKilobits = 0x1fff;
  const uint64_t bits = uint64_t{bytes} * 8 * first.rate / (uint64_t{blocks} * kBlockSamples);
  const uint64_t kilobits = (bits / 1000 + kStep / 2) / kStep * kStep;
  ByteWriter out(track.config);
  out.u16(std::min(kilobits, kMaxKilobits) << 3 | (substreams.size() - 1));
  for (const Substream& substream : substreams) {
    const Header& header = substream.header;
    const uint32_t fields =
        header.fscod << 14 | header.bsid << 9 | header.bsmod << 4 | header.acmod << 1 | header.lfe;
    out.u16(fields);
    const unsigned dependents = std::min(substream.dependents, 15u);
    if (dependents == 0)
      out.u8(0);
    else
      out.u16(dependents << 9 | substream.locations);
  }
  static_assert(kMaxSubstreams * 4 + 2 <= kMaxConfigBytes);
  return track;
}

Result<Track> track_from_dec3(Bytes dec3) {
  BitReader reader(dec3);
  reader.skip(13);  // data_rate
  const unsigned substreams = reader.bits(3) + 1;
  Track track;
  for (unsigned i = 0; i < substreams && reader.ok(); ++i) {
    const unsigned fscod = reader.bits(2);
    reader.skip(5 + 1 + 1 + 3);  // bsid, reserved, asvc, bsmod
    const unsigned acmod = reader.bits(3), lfe = reader.bits(1);
    reader.skip(3);
    const unsigned dependents = reader.bits(4);
    const uint32_t locations = dependents > 0 ? reader.bits(9) : reader.bits(1) * 0;
    if (i > 0) continue;
    if (fscod >= kRates.size()) return Unexpected("dec3: reduced sampling rate, which is not stated there");
    track = make_track(Codec::eac3, kRates[fscod], channels_of(acmod, lfe) + channels_at(locations));
  }
  if (!reader.ok()) return Unexpected("dec3: ends too early");
  track.config.assign(dec3.begin(), dec3.begin() + static_cast<ptrdiff_t>((reader.position() + 7) / 8));
  return track;
}

}  // namespace headgate::codec
