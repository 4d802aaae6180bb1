// SPDX-License-Identifier: LGPL-2.1-or-later
#include "run_log.h"

#include <base/io.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>

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

void RunLog::add(LogEntry entry) {
  shared_.lock()->entries.push_back(std::move(entry));
}

void RunLog::media_written() {
  shared_.lock()->media = true;
}

bool RunLog::take() {
  auto shared = shared_.lock();
  for (LogEntry& entry : shared->entries) {
    ended_ = ended_ || entry.ends;
    fresh_.push_back(std::move(entry));
  }
  shared->entries.clear();
  appended_ = false;
  return std::exchange(shared->media, false);
}

void RunLog::seal(LogEntry& entry) {
  lines_ += writer_.line(entry.type, entry.members);
  recorded_pts_ = std::max(recorded_pts_, entry.recorded_until);
  if (entry.finished) files_.push_back(*std::move(entry.finished));
}

Result<void> RunLog::write_out() {
  while (!lines_.empty()) {
    ssize_t n = ::write(chain_.get(), lines_.data(), lines_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("append to " + directory_ + "/" + std::string(kChainName));
    lines_.erase(0, static_cast<size_t>(n));
    appended_ = true;
  }
  return {};
}

Result<void> RunLog::append() {
  for (LogEntry& entry : ready_) seal(entry);
  ready_.clear();
  return write_out();
}

Result<void> RunLog::settle(bool durable) {
  std::ranges::move(fresh_, std::back_inserter(ready_));
  fresh_.clear();
  if (!lines_.empty()) return {};
  durable_pts_.store(recorded_pts_, std::memory_order_release);
  if (files_.empty()) return {};
  while (!files_.empty()) {
    if (auto named = give_final_name(files_.front(), durable); !named) return named;
    files_.erase(files_.begin());
  }
  return durable ? fsync_directory(directory_) : Result<void>();
}

Result<void> RunLog::abandon(int code) {
  if (!std::exchange(abandoned_, true)) {
    LogEntry io{.type = "io", .members = members_of([&](JsonLine& json) {
                                json.field("errno", code).field("volume", volume_).field("broken", true);
                              })};
    seal(io);
  }
  for (LogEntry& entry : fresh_)
    if (!entry.of_media) seal(entry);
  fresh_.clear();
  return write_out();
}

bool RunLog::finished(bool hopeless) const {
  return ended_ && (hopeless || (fresh_.empty() && ready_.empty() && lines_.empty() && files_.empty()));
}

}  // namespace headgate::store
