// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says of the machine's load: proc(5), Documentation/accounting/psi.rst, statvfs(3), control
// groups and /sys/class/net. Reads files, which does not wait.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "capacity.h"

namespace headgate::serve {

inline constexpr int64_t kLoadWindowMs = 10'000;   // of processors and links
inline constexpr int64_t kSpaceWindowMs = 60'000;  // of the volume's filling

class CapacityMeter {
 public:
  // `data`: a folder on the archive's volume. `proc` and `sys` are other folders in tests.
  CapacityMeter(std::string data, int64_t link_mbps, std::string proc = "/proc", std::string sys = "/sys");

  // All but late_ms, which the machine does not know. `now_ms` never goes back; once a second.
  CapacityReading read(int64_t now_ms);

 private:
  struct Sample {
    int64_t ms;
    double used, all;  // in units of their own
  };
  // The share of `used` in `all` since the window's beginning; none before it is half over.
  class Window {
   public:
    explicit Window(int64_t ms) : ms_(ms) {}
    void add(const Sample& sample);
    std::optional<Sample> change() const;  // ms: how long it took

   private:
    const int64_t ms_;
    std::deque<Sample> samples_;
  };
  std::optional<double> cpu_percent(int64_t now_ms);
  std::optional<double> memory_mib() const;
  std::optional<double> group_memory_mib() const;  // of the control group with the least left; none: no limit
  std::optional<double> disk_minutes(int64_t now_ms);
  std::optional<double> link_percent(int64_t now_ms);
  std::optional<double> number_in(const std::string& path) const;

  const std::string data_, proc_, sys_;
  const int64_t link_mbps_;
  Window cpu_{kLoadWindowMs}, link_{kLoadWindowMs}, space_{kSpaceWindowMs};
};

}  // namespace headgate::serve
