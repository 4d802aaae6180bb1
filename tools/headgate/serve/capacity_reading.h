// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says of the machine's load: proc(5), Documentation/accounting/psi.rst, statvfs(3), control
// groups and /sys/class/net. Reads the kernel's files, which does not wait; what may wait is asked aside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capacity.h"
#include "free_space.h"
#include "guard.h"
#include "link_load.h"

namespace headgate::serve {

inline constexpr int64_t kSpaceWindowMs = 60'000;  // of the volume's filling
inline constexpr int64_t kSpaceStaleMs = 10'000;   // what a volume said so long ago is nothing to judge by

class CapacityMeter {
 public:
  // `data`: a folder on the archive's volume. `proc` and `sys` are other folders in tests, and `speed` and
  // `free` wait.
  CapacityMeter(std::string data, int64_t link_mbps, std::string proc = "/proc", std::string sys = "/sys",
                SpeedOf speed = speeds_aside(), FreeOf free = free_aside());

  // All but late_ms, which the machine does not know. `now_ms` never goes back; once a second.
  CapacityReading read(int64_t now_ms);
  // All there is, or the least that this process' control group and those above may have; none: not known.
  std::optional<double> machine_memory_mib() const;

 private:
  std::optional<double> cpu_percent(int64_t now_ms);
  std::optional<double> memory_mib() const;
  std::optional<double> meminfo_mib(std::string_view name) const;
  std::vector<std::string> control_groups() const;  // folders: this process' own first, then those above it
  std::optional<double> group_memory_mib() const;  // of the control group with the least left; none: no limit
  std::optional<double> disk_minutes(int64_t now_ms);

  const std::string data_, proc_, sys_;
  LinkLoad link_;
  CountWindow<CountPair> cpu_{kLoadWindowMs};  // ticks: used, and all
  const FreeOf free_;
  CountWindow<double> space_{kSpaceWindowMs};  // bytes that are not free
  int64_t space_ms_ = INT64_MIN;               // when the last of these was asked for
};

}  // namespace headgate::serve
