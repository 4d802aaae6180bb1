// SPDX-License-Identifier: LGPL-2.1-or-later
#include "retention.h"

#include <base/io.h>
#include <fcntl.h>
#include <store/derived.h>
#include <store/reader.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "chain_lock.h"
#include "layout.h"

namespace headgate::store {
namespace {

constexpr char kKeepName[] = "/keep-ms";
constexpr size_t kMaxKeepBytes = 32;

bool is_older(const std::string& path, int64_t utc_us) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return int64_t{status.st_mtim.tv_sec} * 1'000'000 + status.st_mtim.tv_nsec / 1000 < utc_us;
}

size_t remove_old_of_run(const std::string& directory, int64_t utc_us, size_t most) {
  size_t removed = 0, left = 0;
  for (const std::string& name : list_directory(directory)) {
    if (!media_index(name)) continue;
    const std::string path = directory + "/" + name;
    const bool goes =
        removed < most && is_older(path, utc_us) && !(name.ends_with(".part") && chain_has_writer(directory));
    if (goes && ::unlink(path.c_str()) == 0)
      ++removed;
    else
      ++left;
  }
  // The lines of a run that has nothing left go last.
  const std::string chain = directory + "/" + std::string(kChainName);
  if (left > 0 || removed == most || !is_older(chain, utc_us) || chain_has_writer(directory)) return removed;
  if (::unlink(chain.c_str()) == 0) ++removed;
  ::rmdir(directory.c_str());
  return removed;
}

}  // namespace

Result<void> note_keep(const std::string& root, int64_t keep_ms) {
  const std::string path = root + kKeepName, temporary = path + "." + std::to_string(::getpid());
  if (noted_keep(root) == keep_ms) return {};
  auto file = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file) return Unexpected(file.error());
  if (auto written = write_all(file->get(), as_bytes(std::to_string(keep_ms) + "\n")); !written)
    return written;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary);
  return {};
}

int64_t noted_keep(const std::string& root) {
  auto bytes = read_file(root + kKeepName, kMaxKeepBytes);
  if (!bytes) return 0;
  const std::string_view text = as_text(*bytes);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && value > 0 ? value : 0;
}

size_t remove_old(const std::string& root, int64_t utc_us) {
  size_t removed = 0;
  for (const uint32_t event : list_events(root))
    for (const uint32_t station : list_stations(root, event))
      for (const std::string& run : list_runs(root, event, station)) {
        if (removed >= kMaxRemovedAtOnce) return removed;
        removed += remove_old_of_run(root + "/" + station_directory(event, station) + "/" + run, utc_us,
                                     kMaxRemovedAtOnce - removed);
      }
  return removed;
}

std::vector<std::string> list_renditions(const std::string& root) {
  std::vector<std::string> out;
  for (const std::string& name : list_directory(root + "/" + kDerivedFolder))
    if (playlist::valid_rendition(name)) out.push_back(name);
  return out;
}

size_t remove_old_renditions(const std::string& root, int64_t now_utc_us) {
  size_t removed = 0;
  for (const std::string& rendition : list_renditions(root)) {
    const std::string volume = root + "/" + kDerivedFolder + "/" + rendition;
    const int64_t keep_ms = noted_keep(volume);
    if (keep_ms == 0) continue;
    while (const size_t some = remove_old(volume, now_utc_us - keep_ms * 1000)) removed += some;
  }
  return removed;
}

}  // namespace headgate::store
