// SPDX-License-Identifier: LGPL-2.1-or-later
// Supplemental enhancement information of H.264 (ITU-T H.264, 7.3.2.3 and D.2.8).
#include <codec/access_unit.h>

#include <algorithm>
#include <optional>

namespace headgate::codec {
namespace {

constexpr unsigned kSei = 6;  // nal_unit_type
constexpr size_t kRecoveryPoint = 6;

// Reads an SEI NAL unit's payload bytes without emulation prevention.
class SeiReader {
 public:
  explicit SeiReader(Bytes nal) : rest_(nal) {}
  std::optional<unsigned> next() {
    if (rest_.empty()) return std::nullopt;
    unsigned value = take();
    if (zeros_ >= 2 && value == 3) {
      zeros_ = 0;
      if (rest_.empty()) return std::nullopt;
      value = take();
    }
    zeros_ = value == 0 ? zeros_ + 1 : 0;
    return value;
  }
  // payloadType and payloadSize: bytes of 255 add up with the one behind them (7.3.2.3.1).
  std::optional<size_t> number() {
    size_t sum = 0;
    while (const auto byte = next()) {
      sum += *byte;
      if (*byte != 255) return sum;
    }
    return std::nullopt;
  }

 private:
  unsigned take() {
    const auto value = std::to_integer<unsigned>(rest_[0]);
    rest_ = rest_.subspan(1);
    return value;
  }
  Bytes rest_;
  unsigned zeros_ = 0;
};

}  // namespace

Entry recovery_point(Bytes nal) {
  if (nal.empty() || (std::to_integer<unsigned>(nal[0]) & 0x1f) != kSei) return Entry::none;
  Entry found = Entry::none;
  SeiReader reader(nal.first(std::min(nal.size(), kMaxSeiBytes)).subspan(1));
  while (const auto type = reader.number()) {
    const auto size = reader.number();
    if (!size) break;
    for (size_t i = 0; i < *size; ++i) {
      const auto byte = reader.next();
      if (!byte) return found;
      if (i > 0 || *type != kRecoveryPoint) continue;
      // recovery_frame_cnt, an Exp-Golomb code: 0 is a set bit.
      if (*byte & 0x80) return Entry::open;
      found = Entry::gradual;
    }
  }
  return found;
}

}  // namespace headgate::codec
