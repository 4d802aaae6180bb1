// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys of a description's "health", each a property of every healthprobe in the pipeline
// (docs/health.md): one table for the reader, for building and for showing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::pipeline {

// ns; bit/s; an integer; and of content any number, of the unit that docs/health.md says.
enum class HealthUnit : uint8_t { duration, bitrate, count, number };

struct HealthKey {
  const char* key;
  const char* property;  // of a number
  HealthUnit unit;
  double least, most;
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
    HealthKey{"black-brightness", "black-brightness", HealthUnit::number, 0, 0.5},
    HealthKey{"black-contrast", "black-contrast", HealthUnit::number, 0, 0.5},
    HealthKey{"covered-detail", "covered-detail", HealthUnit::number, 0, 0.5},
    HealthKey{"frozen-mean", "frozen-mean", HealthUnit::number, 0, 0.5},
    HealthKey{"frozen-most", "frozen-most", HealthUnit::number, 0, 0.5},
    HealthKey{"frozen-frame", "frozen-frame", HealthUnit::number, 0, 1'000'000},
    HealthKey{"frozen-macroblock", "frozen-macroblock", HealthUnit::number, 0, 1'000'000},
    HealthKey{"silent-level", "silent-level", HealthUnit::number, -120, -6},
    HealthKey{"clipped-share", "clipped-share", HealthUnit::number, 0.0001, 1},
};

// What a description says of them; none: nothing, the element's own goes. A double holds each range exactly.
class Health {
 public:
  std::optional<double> at(size_t key) const { return values_[key]; }
  std::optional<double> value(std::string_view key) const;  // none also where there is no such key
  void set(size_t key, double value) { values_[key] = value; }
  bool any() const;

 private:
  std::array<std::optional<double>, kHealthKeys.size()> values_{};
};

inline std::optional<double> Health::value(std::string_view key) const {
  for (size_t i = 0; i < kHealthKeys.size(); ++i)
    if (key == kHealthKeys[i].key) return values_[i];
  return std::nullopt;
}

inline bool Health::any() const {
  for (const auto& value : values_)
    if (value) return true;
  return false;
}

}  // namespace headgate::pipeline
