// SPDX-License-Identifier: LGPL-2.1-or-later
// Ranges of the archive's media files as bytes to send. What the page cache has is read at once; the rest is
// read in a thread, so that a slow disk delays one answer and not all.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include <base/unique_fd.h>

#include "disk.h"
#include "reply.h"

namespace headgate::origin {

inline constexpr size_t kMaxOpenFiles = 256;
inline constexpr uint64_t kMaxRangeBytes = 256ull << 20;    // one segment
inline constexpr uint64_t kMaxSendingBytes = 512ull << 20;  // of all answers on their way

class MediaFiles {
 public:
  MediaFiles(Disk& disk, std::string root);

  // `file` comes from a record: relative to the root, without ".part". `done` in the loop's thread, now or
  // later. Errors: ENOENT, ENODATA (shorter than it should be), EBUSY (kMaxSendingBytes), EINVAL (a name that
  // leads out of the root).
  using Done = std::function<void(Result<BytesPtr>)>;
  void read(const std::string& file, uint64_t offset, uint64_t length, Done done);

 private:
  struct OpenFile {
    std::string name;
    std::shared_ptr<UniqueFd> fd;  // shared with a read in the thread
  };
  Result<std::shared_ptr<UniqueFd>> open(const std::string& file);

  Disk& disk_;
  std::string root_;
  std::list<OpenFile> files_;                                          // used last first
  std::shared_ptr<uint64_t> sending_ = std::make_shared<uint64_t>(0);  // bytes
};

}  // namespace headgate::origin
