// SPDX-License-Identifier: LGPL-2.1-or-later
// The parameter sets of a video stream, which make its configuration.
#pragma once

#include <optional>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::mpegts {

enum class SetKind : uint8_t { vps, sps, pps };
inline constexpr size_t kSetKinds = 3;

class ParameterSets {
 public:
  explicit ParameterSets(codec::Codec codec) : codec_(codec) {}
  // One that a unit brings; copied. False: there are more than kMaxParameterSets.
  bool add(SetKind kind, Bytes nal);
  // The unit's sets are complete: the configuration that they make, if it is another than the last. A unit
  // with an SPS that was not known replaces what was, kind by kind; of another one, PPSs replace those of the
  // same id.
  std::optional<Result<codec::Track>> commit();
  // The unit is not given, and what it brought does not count.
  void abandon();

 private:
  using Sets = std::vector<ByteVector>;
  static constexpr size_t index(SetKind kind) { return static_cast<size_t>(kind); }
  void replace_by_id(Sets& known, Sets& brought) const;

  codec::Codec codec_;
  Sets known_[kSetKinds], brought_[kSetKinds];
};

}  // namespace headgate::mpegts
