// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capacity_reading.h"

#include <base/kernel_text.h>
#include <base/pressure.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace headgate::serve {
namespace {

constexpr double kMiB = 1024 * 1024;
// Less than that in the window is nobody who fills the volume.
constexpr double kLeastFilling = 16 * kMiB;

}  // namespace

CapacityMeter::CapacityMeter(std::string data, int64_t link_mbps, std::string proc, std::string sys,
                             SpeedOf speed, FreeOf free)
    : data_(std::move(data)),
      proc_(std::move(proc)),
      sys_(std::move(sys)),
      link_(sys_, link_mbps, std::move(speed)),
      free_(std::move(free)) {}

CapacityReading CapacityMeter::read(int64_t now_ms) {
  CapacityReading out;
  out.cpu_percent = cpu_percent(now_ms);
  out.cpu_pressure = pressure_percent("cpu", "some", proc_);
  out.memory_mib = memory_mib();
  out.disk_minutes = disk_minutes(now_ms);
  out.io_pressure = pressure_percent("io", "full", proc_);
  out.link_percent = link_.percent(now_ms);
  return out;
}

// What has a niceness (encoders of rungs that viewers ask for, the archive's recovery) gives way.
std::optional<double> CapacityMeter::cpu_percent(int64_t now_ms) {
  const auto text = kernel_text(proc_ + "/stat");
  if (!text || !text->starts_with("cpu ")) return std::nullopt;
  std::istringstream line(text->substr(4, text->find('\n')));
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(line >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal)) return std::nullopt;
  const double used = user + system + irq + softirq + steal;
  cpu_.add(now_ms, {used, used + nice + idle + iowait});
  const auto change = cpu_.change(kLoadWindowMs / 2);
  if (!change || change->count.second <= 0) return std::nullopt;
  return std::clamp(change->count.first / change->count.second * 100, 0.0, 100.0);
}

std::optional<double> CapacityMeter::meminfo_mib(std::string_view name) const {
  const auto kib = named_number(kernel_text(proc_ + "/meminfo").value_or(""), name);
  return kib ? std::optional(static_cast<double>(*kib) / 1024) : std::nullopt;
}

std::optional<double> CapacityMeter::memory_mib() const {
  const auto available = meminfo_mib("MemAvailable");
  return available ? std::optional(std::min(*available, group_memory_mib().value_or(*available)))
                   : std::nullopt;
}

std::optional<double> CapacityMeter::machine_memory_mib() const {
  auto out = meminfo_mib("MemTotal");
  for (const std::string& folder : control_groups())
    if (const auto most = kernel_number(folder + "/memory.max"))
      out = std::min(out.value_or(INFINITY), static_cast<double>(*most) / kMiB);
  return out;
}

std::vector<std::string> CapacityMeter::control_groups() const {
  return group_folders(kernel_text(proc_ + "/self/cgroup").value_or(""), sys_ + "/fs/cgroup");
}

// Each group above has a limit of its own. Files that were read or written are given back when something else
// is wanted, as in MemAvailable.
std::optional<double> CapacityMeter::group_memory_mib() const {
  std::optional<double> least;
  for (const std::string& folder : control_groups()) {
    const auto most = kernel_number(folder + "/memory.max");  // "max": none
    const auto used = kernel_number(folder + "/memory.current");
    if (!most || !used) continue;
    double files = 0, bytes = 0;
    std::istringstream stat(kernel_text(folder + "/memory.stat").value_or(""));
    for (std::string name; stat >> name >> bytes;)
      if (name == "inactive_file" || name == "active_file") files += bytes;
    const double left_mib = std::max(0.0, static_cast<double>(*most - *used) + files) / kMiB;
    least = std::min(least.value_or(left_mib), left_mib);
  }
  return least;
}

std::optional<double> CapacityMeter::disk_minutes(int64_t now_ms) {
  const auto free = free_(data_, now_ms);
  if (!free || free->age_ms >= kSpaceStaleMs) return std::nullopt;
  if (const int64_t asked_ms = now_ms - free->age_ms; asked_ms > space_ms_) {
    space_.add(asked_ms, -free->bytes);
    space_ms_ = asked_ms;
  }
  const auto change = space_.change(kSpaceWindowMs / 2);
  if (!change || change->count < kLeastFilling) return std::nullopt;
  const double per_minute = change->count / static_cast<double>(change->ms) * 60'000;
  return free->bytes / per_minute;
}

}  // namespace headgate::serve
