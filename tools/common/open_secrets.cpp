// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/open_secrets.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace headgate::tools {

bool everybody_reads(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0;
}

std::vector<std::string> open_files(const std::string& folder, const std::string& end) {
  std::vector<std::string> out;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), last; !error && at != last; at.increment(error))
    if (const std::string path = at->path().string(); path.ends_with(end) && everybody_reads(path))
      out.push_back(path);
  std::sort(out.begin(), out.end());
  return out;
}

std::string open_secret_text(const std::string& path) {
  return path + " has secrets, and everybody on this machine can read it: chmod o= " + path;
}

}  // namespace headgate::tools
