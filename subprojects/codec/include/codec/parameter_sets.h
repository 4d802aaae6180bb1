// SPDX-License-Identifier: LGPL-2.1-or-later
// The parameter sets of an H.264 or H.265 stream as they stand in it, which make its configuration.
#pragma once

#include <optional>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::codec {

enum class SetKind : uint8_t { vps, sps, pps };
inline constexpr size_t kSetKinds = 3;
inline constexpr size_t kMaxParameterSets = 64;  // of one kind, at one time
// Nothing: the NAL unit is none. It has its header and is not empty.
std::optional<SetKind> parameter_set(Codec codec, Bytes nal);

class ParameterSets {
 public:
  explicit ParameterSets(Codec codec) : codec_(codec) {}
  // Those of its record are known.
  explicit ParameterSets(const Track& track);
  // One that a unit brings; copied. False: there are more than kMaxParameterSets.
  bool add(SetKind kind, Bytes nal);
  // The unit's sets are complete: the configuration that they make, if it is another than the last. A unit
  // with an SPS that was not known replaces what was, kind by kind; of another one, PPSs replace those of the
  // same id.
  std::optional<Result<Track>> commit();
  // The unit is not given, and what it brought does not count.
  void abandon();

 private:
  using Sets = std::vector<ByteVector>;
  static constexpr size_t index(SetKind kind) { return static_cast<size_t>(kind); }
  void replace_by_id(Sets& known, Sets& brought) const;

  Codec codec_;
  Sets known_[kSetKinds], brought_[kSetKinds];
};

}  // namespace headgate::codec
