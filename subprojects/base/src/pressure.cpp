// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/pressure.h>

#include <base/kernel_text.h>

#include <sstream>
#include <string_view>
#include <vector>

namespace headgate {
namespace {

// "some avg10=1.23 avg60=…"
std::optional<double> percent_in(const std::string& path, const std::string& kind) {
  std::istringstream lines{kernel_text(path).value_or("")};
  for (std::string word, average; lines >> word >> average; lines.ignore(kMaxKernelText, '\n')) {
    constexpr std::string_view kFront = "avg10=";
    if (word != kind || !average.starts_with(kFront)) continue;
    double percent = 0;
    if (std::istringstream(average.substr(kFront.size())) >> percent) return percent;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> pressure_percent(const std::string& resource, const std::string& kind,
                                       const std::string& proc) {
  return percent_in(proc + "/pressure/" + resource, kind);
}

// A group's file is there also where it is a container's root; where accounting is off for it, it is not.
std::optional<double> own_pressure_percent(const std::string& resource, const std::string& kind,
                                           const std::string& proc, const std::string& sys) {
  const std::vector<std::string> groups =
      group_folders(kernel_text(proc + "/self/cgroup").value_or(""), sys + "/fs/cgroup");
  if (!groups.empty())
    if (const auto percent = percent_in(groups.front() + "/" + resource + ".pressure", kind)) return percent;
  return pressure_percent(resource, kind, proc);
}

}  // namespace headgate
