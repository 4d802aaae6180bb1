// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the node has room for another stream, by what is measured of the machine. Each measure has a limit;
// beyond it for a while the node takes no new stations, until it has been clearly on the good side for
// longer. Knows no files and no clock: it is told once a second.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headgate::serve {

// 0: not looked at.
struct CapacityLimits {
  int64_t late_ms = 2000;         // between two rounds of a media thread, over 10 s
  int64_t cpu_percent = 0;        // of all processors, what has no niceness, over 10 s
  int64_t cpu_pressure = 0;       // percent of 10 s in which somebody waited for a processor (PSI, `some`)
  int64_t memory_mib = 128;       // that are available, at least
  int64_t disk_minutes = 5;       // until the archive's volume is full at the present rate, at least
  int64_t io_pressure = 0;        // percent of 10 s in which everybody waited for disks (PSI, `full`)
  int64_t encoding_percent = 10;  // of rungs that are always encoded: paused for want of processors
  int64_t link_percent = 90;      // of the link that is used most, each way by itself
  int64_t link_mbps = 0;          // what all carry together; 0: each what it says of itself
};

// As measured; without a value it is not known, or there is nothing to say.
struct CapacityReading {
  std::optional<double> late_ms, cpu_percent, cpu_pressure, encoding_percent, memory_mib, disk_minutes,
      io_pressure, link_percent;
};

inline constexpr int kFullAfterS = 3;   // beyond the limit
inline constexpr int kOpenAfterS = 10;  // a tenth on its good side
// A rung that has come back in vain goes again within that.
inline constexpr int kEncodingOpenAfterS = 60;

class Capacity {
 public:
  explicit Capacity(const CapacityLimits& limits);

  struct Change {
    std::string measure, text;  // "memory", "96 MiB of memory are available (limit 128)"
    bool full;                  // or not any more
  };
  std::vector<Change> look(const CapacityReading& reading);
  std::string full() const;  // why no new station is taken, for publishers; empty: they are
  std::string json() const;  // NODE's `capacity`

 private:
  struct Gauge {
    const char* name;
    const char *before, *behind;  // the number, for people
    std::optional<double> CapacityReading::*value_of;
    double limit = 0;
    bool at_least = false;  // the limit is a least, not a most
    int open_after_s = kOpenAfterS;
    std::optional<double> value{};
    int beyond_s = 0, good_s = 0;
    bool full = false;
    std::string text() const;
  };
  std::array<Gauge, 8> gauges_;
};

}  // namespace headgate::serve
