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

// Bytes of an answer, counted until libsoup has sent them. Made and freed in the loop's thread.
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
using BodyPtr = std::shared_ptr<Body>;

BytesPtr to_bytes(const BodyPtr& body) {
  return BytesPtr(g_bytes_new_with_free_func(
      body->data.get(), body->length, [](gpointer holder) { delete static_cast<BodyPtr*>(holder); },
      new BodyPtr(body)));
}

// 0, or why not.
int read_piece(int fd, char* to, uint64_t length, uint64_t offset) {
  while (length > 0) {
    const ssize_t n = ::pread(fd, to, length, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENODATA : errno;
    to += n;
    length -= static_cast<uint64_t>(n);
    offset += static_cast<uint64_t>(n);
  }
  return 0;
}

int read_pieces(const FileRange& range, char* to) {
  for (const auto& [offset, length] : range.pieces) {
    if (int error = read_piece(range.fd(), to, length, offset)) return error;
    to += length;
  }
  return 0;
}

int read_through(const FileRange& range) {
  std::vector<char> scratch(std::min(range.length(), kReadAtOnce));
  for (const auto& [offset, length] : range.pieces)
    for (uint64_t done = 0; done < length; done += scratch.size())
      if (int error = read_piece(range.fd(), scratch.data(),
                                 std::min<uint64_t>(scratch.size(), length - done), offset + done))
        return error;
  return 0;
}

// (RWF_NOWAIT would tell, too, but only by copying all of it, and not on every file system.)
bool is_piece_cached(int fd, uint64_t offset, uint64_t length) {
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

Unexpected unreadable(const FileRange& range, int error) {
  return Unexpected(error, range.file->name + ": " + std::generic_category().message(error));
}

}  // namespace

Result<MediaFilePtr> open_media(const std::string& root, const std::string& name) {
  if (!stays_inside(name)) return Unexpected(ENOENT, name + ": leads out of the archive");
  // Renamed when it is closed: a name that vanishes between the two looks was renamed.
  auto opened = open_file(root + "/" + name + ".part", O_RDONLY | O_NOFOLLOW);
  if (!opened && opened.error().code == ENOENT) opened = open_file(root + "/" + name, O_RDONLY | O_NOFOLLOW);
  if (!opened) return Unexpected(opened.error());
  return std::make_shared<const MediaFile>(MediaFile{*std::move(opened), name});
}

uint64_t FileRange::length() const {
  uint64_t sum = 0;
  for (const fmp4::ByteRange& piece : pieces) sum += piece.length;
  return sum;
}

void FileRange::skip(uint64_t bytes) {
  auto piece = pieces.begin();
  for (; piece != pieces.end() && bytes >= piece->length; ++piece) bytes -= piece->length;
  pieces.erase(pieces.begin(), piece);
  if (bytes == 0) return;
  pieces.front().offset += bytes;
  pieces.front().length -= bytes;
}

FileRange FileRange::part(uint64_t skipped, uint64_t most) const {
  FileRange out{file, {}, files};
  for (const auto& [offset, length] : pieces) {
    const uint64_t passed = std::min(skipped, length), taken = std::min(length - passed, most);
    if (taken > 0) out.pieces.push_back({offset + passed, taken});
    skipped -= passed;
    most -= taken;
  }
  return out;
}

bool FileRange::is_cached() const {
  return std::all_of(pieces.begin(), pieces.end(), [this](const fmp4::ByteRange& piece) {
    return is_piece_cached(fd(), piece.offset, piece.length);
  });
}

Result<void> FileRange::check() const {
  for (const fmp4::ByteRange& piece : pieces)
    if (piece.length > kMaxRangeBytes) return Unexpected(ENODATA, file->name + ": range too large");
  if (length() > kMaxRangeBytes) return Unexpected(ENODATA, file->name + ": range too large");
  struct stat status {};
  if (::fstat(fd(), &status) != 0) return errno_error(file->name);
  const auto size = static_cast<uint64_t>(status.st_size);
  for (const fmp4::ByteRange& piece : pieces)
    if (piece.offset > size || piece.length > size - piece.offset)
      return Unexpected(ENODATA, file->name + ": is shorter than it should be");
  return {};
}

MediaFiles::MediaFiles(Loop& loop, Disk& disk, std::string root, size_t max_open)
    : loop_(loop), disk_(disk), root_(std::move(root)), max_open_(max_open) {}

MediaFiles::~MediaFiles() {
  loop_.cancel(sweeper_);
}

Result<MediaFilePtr> MediaFiles::open(const std::string& name) {
  if (auto known = files_.find(name); known != files_.end()) {
    used_.splice(used_.begin(), used_, known->second.used);
    return known->second.file;
  }
  auto file = open_media(root_, name);
  if (!file) return file;
  used_.push_front(name);
  files_[name] = {*file, used_.begin()};
  if (files_.size() > max_open_) {
    files_.erase(used_.back());
    used_.pop_back();
  }
  if (sweeper_ == 0) sweeper_ = loop_.every_ms(kUnlinkedSweepMs, [this] { close_unlinked(); });
  return file;
}

// Their room on the disk is free only then. Nobody asks for them any more, so that they are looked for.
void MediaFiles::close_unlinked() {
  for (auto name = used_.begin(); name != used_.end();) {
    const auto found = files_.find(*name);
    struct stat status {};
    const bool there = ::fstat(found->second.file->fd.get(), &status) == 0 && status.st_nlink > 0;
    if (!there) files_.erase(found);
    name = there ? std::next(name) : used_.erase(name);
  }
  if (!files_.empty()) return;
  loop_.cancel(sweeper_);
  sweeper_ = 0;
}

Result<FileRange> MediaFiles::find(const std::string& file, uint64_t offset, uint64_t length) {
  return find(file, {{offset, length}});
}

Result<FileRange> MediaFiles::find(const std::string& file, std::vector<fmp4::ByteRange> pieces) {
  std::erase_if(pieces, [](const fmp4::ByteRange& piece) { return piece.length == 0; });
  auto opened = open(file);
  if (!opened) return Unexpected(opened.error());
  FileRange range{*std::move(opened), std::move(pieces), this};
  if (auto good = range.check(); !good) return Unexpected(good.error());
  return range;
}

void MediaFiles::bring_into_cache(const FileRange& range, std::function<void(Result<void>)> done) {
  disk_.run(true, [range, done = std::move(done)] {
    const int error = read_through(range);
    return [range, error, done] { done(error == 0 ? Result<void>() : unreadable(range, error)); };
  });
}

void MediaFiles::read(const FileRange& range, std::function<void(Result<BytesPtr>)> done) {
  if (*in_memory_ + range.length() > kMaxSendingBytes)
    return done(Unexpected(EBUSY, "too much is being sent already; try again"));
  auto body = std::make_shared<Body>(range.length(), in_memory_);
  disk_.run(true, [range, body = std::move(body), done = std::move(done)] {
    const int error = read_pieces(range, body->data.get());
    return [range, body, error, done] {
      if (error == 0) return done(to_bytes(body));
      done(unreadable(range, error));
    };
  });
}

}  // namespace headgate::origin
