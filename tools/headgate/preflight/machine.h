// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says of the machine. Tests give another clock, and folders in the place of /proc, /sys and
// /sys/fs/cgroup.
#pragma once

#include <base/clock.h>
#include <base/kernel_clock.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace headgate::preflight {

// A network interface that a cable or a host brings (bridges and tunnels carry the same once more), and that
// is up.
struct NetworkCard {
  std::string name;
  std::optional<int64_t> mbps;  // nothing: it does not say, as virtual ones
};

struct Machine {
  std::function<KernelClock()> clock = kernel_clock;
  std::function<int64_t()> utc_s = [] { return system_clock().utc_seconds(); };
  std::string proc = "/proc", cgroup = "/sys/fs/cgroup", sys = "/sys";

  // A file below /proc, without white space at its end; empty: it cannot be read.
  std::string proc_text(const std::string& path) const;
  // The number that such a file begins with.
  std::optional<int64_t> proc_number(const std::string& path) const;
  // Of "MemAvailable" in /proc/meminfo, bytes.
  std::optional<int64_t> memory_bytes(const std::string& name) const;
  // The least of a file ("pids.max") in this process's control group (v2) and those above it; nothing: no
  // limit.
  std::optional<int64_t> cgroup_limit(const std::string& file) const;
  std::vector<NetworkCard> network_cards() const;  // by name
};

}  // namespace headgate::preflight
