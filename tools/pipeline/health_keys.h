// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys of a description's "health", each a property of every healthprobe in the pipeline
// (docs/health.md): one table for the reader, for building and for showing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::pipeline {

enum class HealthUnit : uint8_t { duration, bitrate, count };  // ns, bit/s

struct HealthKey {
  const char* key;
  const char* property;  // of a number
  HealthUnit unit;
  int64_t least, most;
};

inline constexpr int64_t kHealthMs = 1'000'000, kHealthHour = 3'600'000 * kHealthMs;
inline constexpr std::array kHealthKeys{
    HealthKey{"interval", "interval", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"stall", "stall-threshold", HealthUnit::duration, 10 * kHealthMs, kHealthHour},
    HealthKey{"jump", "jump-threshold", HealthUnit::duration, kHealthMs, kHealthHour},
    HealthKey{"jumping", "jumping-threshold", HealthUnit::count, 0, 1000},
    HealthKey{"late", "late-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"jitter", "jitter-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"bit-rate", "bit-rate-threshold", HealthUnit::bitrate, 0, 1'000'000'000},
    HealthKey{"frame-rate", "frame-rate-threshold", HealthUnit::count, 0, 1000},
    HealthKey{"gop", "gop-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"key-age", "key-age-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"drift", "drift-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"offset", "offset-threshold", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"content", "content-interval", HealthUnit::duration, 0, kHealthHour},
    HealthKey{"content-budget", "content-budget", HealthUnit::count, 1, 1000},
};

// What a description says of them; below 0: nothing, the element's own goes.
class Health {
 public:
  Health() { values_.fill(-1); }
  int64_t at(size_t key) const { return values_[key]; }
  int64_t value(std::string_view key) const;  // -1 also where there is no such key
  void set(size_t key, int64_t value) { values_[key] = value; }
  bool any() const;

 private:
  std::array<int64_t, kHealthKeys.size()> values_{};
};

inline int64_t Health::value(std::string_view key) const {
  for (size_t i = 0; i < kHealthKeys.size(); ++i)
    if (key == kHealthKeys[i].key) return values_[i];
  return -1;
}

inline bool Health::any() const {
  for (const int64_t value : values_)
    if (value >= 0) return true;
  return false;
}

}  // namespace headgate::pipeline
