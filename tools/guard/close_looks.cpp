// SPDX-License-Identifier: LGPL-2.1-or-later
#include <guard/close_looks.h>

#include <base/kernel_text.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <memory>
#include <string>

namespace headgate::guard {
namespace {

int64_t count_descriptors(const std::string& folder) {
  struct stat status {};
  // Linux 6.2 and later say it here.
  if (::stat(folder.c_str(), &status) == 0 && status.st_size > 0) return status.st_size;
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> listing(::opendir(folder.c_str()), close);
  if (!listing) return -1;
  int64_t count = 0;
  while (const dirent* entry = ::readdir(listing.get()))
    if (entry->d_name[0] != '.') ++count;
  return count;
}

}  // namespace

CloseLook look_closely(int pid) {
  CloseLook out;
  const std::string folder = "/proc/" + std::to_string(pid);
  if (const auto text = kernel_text(folder + "/smaps_rollup"))
    if (const auto kilobytes = named_number(*text, "Pss"))
      out.proportional_bytes = static_cast<uint64_t>(*kilobytes) * 1024;
  out.open_fds = count_descriptors(folder + "/fd");
  rlimit limit{};
  const bool known = ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) == 0;
  out.max_fds = known && limit.rlim_cur != RLIM_INFINITY ? static_cast<int64_t>(limit.rlim_cur) : -1;
  return out;
}

}  // namespace headgate::guard
