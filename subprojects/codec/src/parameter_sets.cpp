// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/parameter_sets.h>

#include <algorithm>

#include <codec/stream_config.h>

#include "hevc_sps.h"

namespace headgate::codec {
namespace {

// Before the parameter sets (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).
constexpr size_t kAvccFixedBytes = 5, kHvccFixedBytes = 22;

// pps_pic_parameter_set_id (H.264, 7.3.2.2) and H.265's (7.3.2.3.1): the Exp-Golomb code behind the header.
// Up to 255 it has 15 bits and no emulation prevention within. Nothing for what has none.
std::optional<uint32_t> pps_id(Codec codec, Bytes nal) {
  constexpr unsigned kBits = 24, kLongestPrefix = 8;
  ByteReader reader(nal);
  reader.skip(codec == Codec::h265 ? 2 : 1);
  uint32_t bits = 0;
  for (unsigned i = 0; i < kBits / 8; ++i) bits = bits << 8 | (reader.remaining() > 0 ? reader.u8() : 0u);
  unsigned zeros = 0;
  while (zeros <= kLongestPrefix && !(bits >> (kBits - 1 - zeros) & 1)) ++zeros;
  if (zeros > kLongestPrefix) return std::nullopt;
  return (bits >> (kBits - 1 - 2 * zeros) & ((2u << zeros) - 1)) - 1;
}

std::vector<Bytes> views(const std::vector<ByteVector>& sets) {
  return {sets.begin(), sets.end()};
}

}  // namespace

std::optional<SetKind> parameter_set(Codec codec, Bytes nal) {
  constexpr unsigned kH264Sps = 7, kH264Pps = 8;
  if (codec == Codec::h265) {
    const unsigned type = hevc_nal_type(nal);
    if (type == kHevcVps) return SetKind::vps;
    if (type == kHevcSps) return SetKind::sps;
    if (type == kHevcPps) return SetKind::pps;
    return std::nullopt;
  }
  const unsigned type = std::to_integer<unsigned>(nal[0]) & 0x1f;
  if (type == kH264Sps) return SetKind::sps;
  if (type == kH264Pps) return SetKind::pps;
  return std::nullopt;
}

ParameterSets::ParameterSets(const Track& track) : codec_(track.codec) {
  const bool h265 = codec_ == Codec::h265;
  ByteReader reader(track.config);
  const auto read = [&](size_t count) {
    for (size_t i = 0; i < count && reader.ok(); ++i) {
      const Bytes nal = reader.bytes(reader.u16());
      const auto kind = nal.empty() ? std::nullopt : parameter_set(codec_, nal);
      if (kind && known_[index(*kind)].size() < kMaxParameterSets)
        known_[index(*kind)].emplace_back(nal.begin(), nal.end());
    }
  };
  reader.skip(h265 ? kHvccFixedBytes : kAvccFixedBytes);
  if (h265) {
    for (size_t arrays = reader.u8(); arrays > 0 && reader.ok(); --arrays) {
      reader.skip(1);  // of which type, each says itself
      read(reader.u16());
    }
  } else {
    read(reader.u8() & 0x1f);
    read(reader.u8());
  }
}

bool ParameterSets::add(SetKind kind, Bytes nal) {
  Sets& sets = brought_[index(kind)];
  const auto same = [&](const ByteVector& other) {
    return std::equal(nal.begin(), nal.end(), other.begin(), other.end());
  };
  if (std::any_of(sets.begin(), sets.end(), same)) return true;
  if (sets.size() == kMaxParameterSets) return false;
  sets.emplace_back(nal.begin(), nal.end());
  return true;
}

void ParameterSets::abandon() {
  for (Sets& sets : brought_) sets.clear();
}

void ParameterSets::replace_by_id(Sets& known, Sets& brought) const {
  for (ByteVector& set : brought) {
    const auto id = pps_id(codec_, set);
    const auto old = std::find_if(known.begin(), known.end(),
                                  [&](const ByteVector& other) { return pps_id(codec_, other) == id; });
    if (old != known.end())
      *old = std::move(set);
    else if (known.size() < kMaxParameterSets)
      known.push_back(std::move(set));
  }
}

std::optional<Result<Track>> ParameterSets::commit() {
  if (std::all_of(std::begin(brought_), std::end(brought_), [](const Sets& sets) { return sets.empty(); }))
    return std::nullopt;
  // A unit that repeats an SPS need not repeat all PPSs.
  const Sets& sps_before = known_[index(SetKind::sps)];
  Sets& sps_now = brought_[index(SetKind::sps)];
  const bool all_anew = std::any_of(sps_now.begin(), sps_now.end(), [&](const ByteVector& set) {
    return std::find(sps_before.begin(), sps_before.end(), set) == sps_before.end();
  });
  if (!all_anew) sps_now.clear();
  Sets next[kSetKinds];
  std::copy(std::begin(known_), std::end(known_), std::begin(next));
  for (size_t i = 0; i < kSetKinds; ++i) {
    if (brought_[i].empty()) continue;
    if (i == index(SetKind::pps) && !all_anew)
      replace_by_id(next[i], brought_[i]);
    else
      next[i] = std::move(brought_[i]);
  }
  abandon();
  if (std::equal(std::begin(next), std::end(next), std::begin(known_))) return std::nullopt;
  std::move(std::begin(next), std::end(next), std::begin(known_));
  const std::vector<Bytes> vps = views(known_[0]), sps = views(known_[1]), pps = views(known_[2]);
  const bool is_h265 = codec_ == Codec::h265;
  if (sps.empty() || pps.empty() || (is_h265 && vps.empty())) return std::nullopt;
  return is_h265 ? track_from_h265_sets(vps, sps, pps) : track_from_h264_sets(sps, pps);
}

}  // namespace headgate::codec
