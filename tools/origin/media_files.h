// SPDX-License-Identifier: LGPL-2.1-or-later
// Ranges of the archive's media files to send. What the page cache has is there at once; the rest is read in
// a thread, so that a slow disk delays one answer and not all.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include <base/result.h>
#include <base/unique_fd.h>

#include "bytes_ptr.h"
#include "disk.h"

namespace headgate::origin {

inline constexpr size_t kMaxOpenFiles = 2048;             // one for each live stream of a node, and then some
inline constexpr uint64_t kMaxRangeBytes = 256ull << 20;  // one segment
inline constexpr uint64_t kMaxSendingBytes = 512ull << 20;  // in memory, of all answers on their way

struct FileRange {
  std::shared_ptr<const UniqueFd> fd;
  uint64_t offset = 0, length = 0;
  std::shared_ptr<uint64_t> in_memory;  // bytes of all ranges that were read

  // The bytes, for those who cannot send from a file. Errors: ENODATA (shorter than it should be), EBUSY
  // (kMaxSendingBytes), the system's.
  Result<BytesPtr> read() const;
};

class MediaFiles {
 public:
  // Keeps `max_open` files open at most.
  MediaFiles(Disk& disk, std::string root, size_t max_open);

  // `file` comes from a record: relative to the root, without ".part". `done` in the loop's thread, now or
  // later; the range was in the page cache just before. Errors: ENOENT, ENODATA, EINVAL (a name that leads
  // out of the root, too long a range), the system's.
  using Done = std::function<void(Result<FileRange>)>;
  void find(const std::string& file, uint64_t offset, uint64_t length, Done done);

 private:
  using FdPtr = std::shared_ptr<const UniqueFd>;  // shared with those who read and send
  struct OpenFile {
    FdPtr fd;
    std::list<std::string>::iterator used;
  };
  Result<FdPtr> open(const std::string& file);

  Disk& disk_;
  std::string root_;
  size_t max_open_;
  std::unordered_map<std::string, OpenFile> files_;
  std::list<std::string> used_;  // names of files_, used last first
  std::shared_ptr<uint64_t> in_memory_ = std::make_shared<uint64_t>(0);
};

}  // namespace headgate::origin
