// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_log.h"

#include <base/io.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "layout.h"

namespace headgate::store {

Result<void> give_final_name(const FinishedFile& file, bool durable) {
  constexpr mode_t kReadOnly = 0440;
  std::string stem = file.directory + "/" + file_stem(file.index);
  if (file.media) {
    if (durable && ::fsync(file.media.get()) != 0) return errno_error("fsync " + stem + ".mp4.part");
    if (::fchmod(file.media.get(), kReadOnly) != 0) return errno_error("chmod " + stem + ".mp4.part");
  }
  if (::rename((stem + ".mp4.part").c_str(), (stem + ".mp4").c_str()) != 0 && errno != ENOENT)
    return errno_error("rename " + stem + ".mp4.part");
  if (::chmod((stem + ".fhx").c_str(), kReadOnly) != 0 && errno != ENOENT)
    return errno_error("chmod " + stem + ".fhx");
  return {};
}

void RunLog::add(std::string line) {
  shared_.lock()->lines += line;
}
void RunLog::media_written() {
  shared_.lock()->media = true;
}
void RunLog::recorded_until(int64_t pts) {
  shared_.lock()->recorded_pts = pts;
}
void RunLog::file_finished(FinishedFile file) {
  shared_.lock()->files.push_back(std::move(file));
}
void RunLog::end() {
  shared_.lock()->ended = true;
}

bool RunLog::take() {
  auto shared = shared_.lock();
  taken_.lines += std::exchange(shared->lines, {});
  for (FinishedFile& file : shared->files) taken_.files.push_back(std::move(file));
  shared->files.clear();
  taken_.media = std::exchange(shared->media, false);
  taken_.recorded_pts = shared->recorded_pts;
  taken_.ended = shared->ended;
  appended_ = false;
  return taken_.media || !taken_.lines.empty();
}

Result<void> RunLog::append() {
  while (!taken_.lines.empty()) {
    ssize_t n = ::write(chain_.get(), taken_.lines.data(), taken_.lines.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("append to " + directory_ + "/" + std::string(kChainName));
    taken_.lines.erase(0, static_cast<size_t>(n));
    appended_ = true;
  }
  return {};
}

Result<void> RunLog::settle(bool durable) {
  if (!taken_.lines.empty()) return {};
  durable_pts_.store(taken_.recorded_pts, std::memory_order_release);
  if (taken_.files.empty()) return {};
  while (!taken_.files.empty()) {
    if (auto named = give_final_name(taken_.files.front(), durable); !named) return named;
    taken_.files.erase(taken_.files.begin());
  }
  return durable ? fsync_directory(directory_) : Result<void>();
}

bool RunLog::finished(bool hopeless) const {
  return taken_.ended && (hopeless || (taken_.lines.empty() && taken_.files.empty()));
}

}  // namespace headgate::store
