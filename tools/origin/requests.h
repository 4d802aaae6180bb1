// SPDX-License-Identifier: LGPL-2.1-or-later
// What the origin has answered, counted by what was asked for: for its status, and the metrics made of it
// (docs/metrics.md). Fixed arrays, a few additions for each request. Loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <base/histogram.h>

namespace headgate::origin {

inline constexpr int64_t kViewerUs = 30'000'000;  // who has asked for media so lately is a viewer

enum class RequestClass : uint8_t { playlist, segment, part, page, api, other };
inline constexpr size_t kRequestClasses = 6;
const char* name_of(RequestClass kind);
// By the path alone, whether or not there is such a thing.
RequestClass class_of(std::string_view path);

class Requests {
 public:
  // An answer begins `us` after its request. `waited`: for media to come, which is no measure of this
  // program.
  void answered(RequestClass kind, unsigned status, int64_t us, bool waited);
  void sent(RequestClass kind, uint64_t bytes) { counts_[static_cast<size_t>(kind)].sent_bytes += bytes; }
  // On the connection with this descriptor: if it is for media, or a list of some, it is a viewer's. Times
  // are of one clock that never goes back.
  void asked(RequestClass kind, int descriptor, int64_t now_us);
  size_t viewers(int64_t now_us) const;
  std::string json() const;  // by class; those that were never asked for are left out

 private:
  static constexpr size_t kStatusClasses = 5;  // 1xx to 5xx
  struct Counts {
    std::array<uint64_t, kStatusClasses> answers{};
    uint64_t sent_bytes = 0, waited = 0;
    Histogram durations;  // of those that did not wait
  };
  std::array<Counts, kRequestClasses> counts_{};
  std::vector<int64_t> asked_us_;  // by descriptor, of which there are so many at most; 0: never
};

}  // namespace headgate::origin
