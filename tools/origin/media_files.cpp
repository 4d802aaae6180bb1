// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_files.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <vector>

namespace headgate::origin {
namespace {

constexpr uint64_t kReadAtOnce = 256 << 10;

// A worker parses strangers' bytes: what it says does not lead out of the archive.
bool stays_inside(const std::string& file) {
  std::filesystem::path path(file);
  if (file.empty() || path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const auto& part) { return part == ".."; });
}

// Bytes of an answer, counted until libsoup has sent them.
struct Body {
  std::unique_ptr<char, decltype(&g_free)> data;
  uint64_t length;
  std::shared_ptr<uint64_t> in_memory;

  Body(uint64_t size, std::shared_ptr<uint64_t> counter)
      : data(static_cast<char*>(g_malloc(size)), &g_free), length(size), in_memory(std::move(counter)) {
    *in_memory += length;
  }
  ~Body() { *in_memory -= length; }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
};

// Whether a range, which the file has, is in the page cache. (RWF_NOWAIT would tell, too, but only by copying
// all of it, and not on every file system.)
bool is_cached(int fd, uint64_t offset, uint64_t length) {
  static const auto kPage = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  std::array<unsigned char, 1024> pages;
  const uint64_t step = pages.size() * kPage, end = offset + length;
  for (uint64_t at = offset - offset % kPage; at < end; at += step) {
    const uint64_t size = std::min(step, end - at);
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(at));
    if (mapped == MAP_FAILED) return false;
    const bool told = ::mincore(mapped, size, pages.data()) == 0;
    ::munmap(mapped, size);
    if (!told || !std::all_of(pages.data(), pages.data() + (size + kPage - 1) / kPage,
                              [](unsigned char page) { return (page & 1) != 0; }))
      return false;
  }
  return true;
}

// 0, or why not.
int read_at(int fd, char* to, uint64_t length, uint64_t offset) {
  while (length > 0) {
    ssize_t n = ::pread(fd, to, length, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENODATA : errno;
    to += n;
    length -= static_cast<uint64_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

int bring_into_cache(int fd, uint64_t length, uint64_t offset) {
  std::vector<char> scratch(std::min(length, kReadAtOnce));
  for (uint64_t done = 0; done < length; done += scratch.size())
    if (int error =
            read_at(fd, scratch.data(), std::min<uint64_t>(scratch.size(), length - done), offset + done))
      return error;
  return 0;
}

Unexpected unreadable(int error) {
  return Unexpected(error, std::generic_category().message(error));
}

}  // namespace

Result<BytesPtr> FileRange::read() const {
  if (*in_memory + length > kMaxSendingBytes)
    return Unexpected(EBUSY, "too much is being sent already; try again");
  auto body = std::make_unique<Body>(length, in_memory);
  if (int error = read_at(fd->get(), body->data.get(), length, offset)) return unreadable(error);
  const char* data = body->data.get();
  return BytesPtr(g_bytes_new_with_free_func(
      data, length, [](gpointer holder) { delete static_cast<Body*>(holder); }, body.release()));
}

MediaFiles::MediaFiles(Disk& disk, std::string root, size_t max_open)
    : disk_(disk), root_(std::move(root)), max_open_(max_open) {}

Result<MediaFiles::FdPtr> MediaFiles::open(const std::string& file) {
  if (auto known = files_.find(file); known != files_.end()) {
    used_.splice(used_.begin(), used_, known->second.used);
    return known->second.fd;
  }
  if (!stays_inside(file)) return Unexpected(EINVAL, file + ": leads out of the archive");
  // Renamed when it is closed: a name that vanishes between the two looks was renamed.
  auto opened = open_file(root_ + "/" + file + ".part", O_RDONLY | O_NOFOLLOW);
  if (!opened && opened.error().code == ENOENT) opened = open_file(root_ + "/" + file, O_RDONLY | O_NOFOLLOW);
  if (!opened) return Unexpected(opened.error());
  auto fd = std::make_shared<const UniqueFd>(*std::move(opened));
  used_.push_front(file);
  files_[file] = {fd, used_.begin()};
  if (files_.size() > max_open_) {
    files_.erase(used_.back());
    used_.pop_back();
  }
  return fd;
}

void MediaFiles::find(const std::string& file, uint64_t offset, uint64_t length, Done done) {
  if (length > kMaxRangeBytes) return done(Unexpected(EINVAL, file + ": range too large"));
  auto fd = open(file);
  if (!fd) return done(Unexpected(fd.error()));
  struct stat status {};
  if (::fstat((*fd)->get(), &status) != 0) return done(errno_error(file));
  const auto size = static_cast<uint64_t>(status.st_size);
  if (offset > size || length > size - offset)
    return done(Unexpected(ENODATA, file + ": is shorter than it should be"));
  FileRange range{*fd, offset, length, in_memory_};
  if (is_cached(range.fd->get(), offset, length)) return done(std::move(range));
  disk_.run(true, [range = std::move(range), file, done = std::move(done)] {
    int error = bring_into_cache(range.fd->get(), range.length, range.offset);
    return [range, error, file, done] {
      if (error == 0) return done(range);
      done(Unexpected(error, file + ": " + std::generic_category().message(error)));
    };
  });
}

}  // namespace headgate::origin
