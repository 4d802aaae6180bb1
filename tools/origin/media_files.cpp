// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_files.h"

#include <base/io.h>
#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

namespace headgate::origin {
namespace {

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
  std::shared_ptr<uint64_t> sending;

  Body(uint64_t size, std::shared_ptr<uint64_t> counter)
      : data(static_cast<char*>(g_malloc(size)), &g_free), length(size), sending(std::move(counter)) {
    *sending += length;
  }
  ~Body() { *sending -= length; }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
};

using BodyPtr = std::shared_ptr<Body>;

BytesPtr to_bytes(const BodyPtr& body) {
  return BytesPtr(g_bytes_new_with_free_func(
      body->data.get(), body->length, [](gpointer holder) { delete static_cast<BodyPtr*>(holder); },
      new BodyPtr(body)));
}

bool read_cached(int fd, Body& body, uint64_t offset) {
  iovec part{body.data.get(), body.length};
  return ::preadv2(fd, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT) == static_cast<ssize_t>(body.length);
}

int read_whole(int fd, Body& body, uint64_t offset) {
  for (uint64_t have = 0; have < body.length;) {
    ssize_t n = ::pread(fd, body.data.get() + have, body.length - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENODATA : errno;
    have += static_cast<uint64_t>(n);
  }
  return 0;
}

}  // namespace

MediaFiles::MediaFiles(Disk& disk, std::string root) : disk_(disk), root_(std::move(root)) {}

Result<std::shared_ptr<UniqueFd>> MediaFiles::open(const std::string& file) {
  auto known = std::find_if(files_.begin(), files_.end(), [&](const auto& one) { return one.name == file; });
  if (known != files_.end()) {
    files_.splice(files_.begin(), files_, known);
    return known->fd;
  }
  if (!stays_inside(file)) return Unexpected(EINVAL, file + ": leads out of the archive");
  // Renamed when it is closed: a name that vanishes between the two looks was renamed.
  auto opened = open_file(root_ + "/" + file + ".part", O_RDONLY | O_NOFOLLOW);
  if (!opened && opened.error().code == ENOENT) opened = open_file(root_ + "/" + file, O_RDONLY | O_NOFOLLOW);
  if (!opened) return Unexpected(opened.error());
  files_.push_front({file, std::make_shared<UniqueFd>(*std::move(opened))});
  if (files_.size() > kMaxOpenFiles) files_.pop_back();
  return files_.front().fd;
}

void MediaFiles::read(const std::string& file, uint64_t offset, uint64_t length, Done done) {
  if (length > kMaxRangeBytes) return done(Unexpected(EINVAL, file + ": range too large"));
  if (*sending_ + length > kMaxSendingBytes)
    return done(Unexpected(EBUSY, "too much is being sent already; try again"));
  auto fd = open(file);
  if (!fd) return done(Unexpected(fd.error()));
  auto body = std::make_shared<Body>(length, sending_);
  if (read_cached((*fd)->get(), *body, offset)) return done(to_bytes(body));
  disk_.run(true, [fd = *fd, body, file, offset, done = std::move(done)] {
    int error = read_whole(fd->get(), *body, offset);
    return [body, error, file, done] {
      if (error == 0) return done(to_bytes(body));
      done(Unexpected(error, file + ": " + std::generic_category().message(error)));
    };
  });
}

}  // namespace headgate::origin
