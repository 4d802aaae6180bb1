// SPDX-License-Identifier: LGPL-2.1-or-later
#include "free_space.h"

#include <sys/statvfs.h>

#include <memory>
#include <utility>

namespace headgate::serve {

std::optional<double> free_bytes(const std::string& folder) {
  struct statvfs volume {};
  if (::statvfs(folder.c_str(), &volume) != 0) return std::nullopt;
  return static_cast<double>(volume.f_bavail) * static_cast<double>(volume.f_frsize);
}

FreeOf free_aside(Looks<std::string, std::optional<double>>::Look look) {
  auto looks =
      std::make_shared<Looks<std::string, std::optional<double>>>(std::move(look), kSpaceAgeMs, "free-space");
  return [looks](const std::string& folder, int64_t now_ms) -> std::optional<FreeSpace> {
    const auto seen = looks->of(folder, now_ms);
    if (!seen || !seen->look) return std::nullopt;
    return FreeSpace{*seen->look, seen->age_ms};
  };
}

}  // namespace headgate::serve
