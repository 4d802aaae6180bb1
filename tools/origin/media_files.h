// SPDX-License-Identifier: LGPL-2.1-or-later
// Ranges of the archive's media files to send. What the page cache has can be sent at once; the rest is read
// in a thread, so that a slow disk delays one answer and not all.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>
#include <fmp4/views.h>

#include "bytes_ptr.h"
#include "disk.h"

namespace headgate::origin {

inline constexpr size_t kMaxOpenFiles = 2048;             // one for each live stream of a node, and then some
inline constexpr uint64_t kMaxRangeBytes = 256ull << 20;  // one segment, and so each piece
inline constexpr uint64_t kMaxSendingBytes = 512ull << 20;  // in memory, of all answers on their way

inline constexpr int64_t kUnlinkedSweepMs = 2000;  // files that were deleted meanwhile are closed

class MediaFiles;

struct MediaFile {
  UniqueFd fd;
  std::string name;  // for messages
};
using MediaFilePtr = std::shared_ptr<const MediaFile>;  // shared with those who read and send
// Opened anew. Errors: MediaFiles::find's. In any thread.
Result<MediaFilePtr> open_media(const std::string& root, const std::string& name);

// Bytes of one file, which need not lie together.
struct FileRange {
  MediaFilePtr file;
  std::vector<fmp4::ByteRange> pieces;  // in the order in which they are sent; none is empty
  MediaFiles* files = nullptr;          // where it comes from; lives longer

  int fd() const { return file->fd.get(); }
  uint64_t length() const;
  void skip(uint64_t bytes);  // of the first ones
  // So many bytes at most, of those behind the first `skipped` ones.
  FileRange part(uint64_t skipped, uint64_t most) const;
  // Whether all of it is in the page cache now. Since Linux 5.2 the kernel says so of every file that we
  // neither own nor may write: the origin wants to run as the user who archives.
  bool is_cached() const;
  // All of it lies in its file, and is not too much. Errors: MediaFiles::find's.
  Result<void> check() const;
};

// In the loop's thread.
class MediaFiles {
 public:
  // Keeps `max_open` files open at most.
  MediaFiles(Loop& loop, Disk& disk, std::string root, size_t max_open);
  ~MediaFiles();
  MediaFiles(const MediaFiles&) = delete;
  MediaFiles& operator=(const MediaFiles&) = delete;

  // `file` comes from a record: relative to the root, without ".part". Reads nothing. Errors: ENOENT (also a
  // name that leads out of the root), ENODATA (shorter than it should be, also too long a range), the
  // system's.
  Result<FileRange> find(const std::string& file, uint64_t offset, uint64_t length);
  Result<FileRange> find(const std::string& file, std::vector<fmp4::ByteRange> pieces);

  const std::string& root() const { return root_; }
  Loop& loop() const { return loop_; }

  // Read in the disk's thread; `done` in the loop's, later (of EBUSY at once). Errors: ENODATA, the system's.
  void bring_into_cache(const FileRange& range, std::function<void(Result<void>)> done);
  // For those who cannot send from a file. Also EBUSY (kMaxSendingBytes).
  void read(const FileRange& range, std::function<void(Result<BytesPtr>)> done);

 private:
  struct OpenFile {
    MediaFilePtr file;
    std::list<std::string>::iterator used;
  };
  Result<MediaFilePtr> open(const std::string& name);
  void close_unlinked();

  Loop& loop_;
  Disk& disk_;
  std::string root_;
  size_t max_open_;
  std::unordered_map<std::string, OpenFile> files_;
  std::list<std::string> used_;                                          // names of files_, used last first
  std::shared_ptr<uint64_t> in_memory_ = std::make_shared<uint64_t>(0);  // bytes of all ranges that were read
  Loop::TimerId sweeper_ = 0;                                            // while there are any files
};

}  // namespace headgate::origin
