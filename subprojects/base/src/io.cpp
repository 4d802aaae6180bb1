// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace headgate {

Unexpected errno_error(const std::string& what) {
  int code = errno;
  return Unexpected(code, what + ": " + std::generic_category().message(code));
}

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return errno_error("open " + path);
  return fd;
}

Result<void> write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error("write");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<void> pwritev_all(int fd, std::span<iovec> parts, uint64_t offset) {
  constexpr size_t kMostPerCall = 1024;  // IOV_MAX
  while (!parts.empty()) {
    if (parts.front().iov_len == 0) {
      parts = parts.subspan(1);
      continue;
    }
    int count = static_cast<int>(std::min(parts.size(), kMostPerCall));
    ssize_t n = ::pwritev(fd, parts.data(), count, static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno_error("pwritev");
    }
    offset += static_cast<uint64_t>(n);
    auto left = static_cast<size_t>(n);
    while (left > 0) {
      iovec& first = parts.front();
      size_t used = std::min(left, first.iov_len);
      first.iov_base = static_cast<char*>(first.iov_base) + used;
      first.iov_len -= used;
      left -= used;
      if (first.iov_len == 0) parts = parts.subspan(1);
    }
  }
  return {};
}

Result<ByteVector> read_file(const std::string& path, size_t limit) {
  auto fd = open_file(path, O_RDONLY);
  if (!fd) return Unexpected(fd.error());
  ByteVector out;
  constexpr size_t kStep = 64 * 1024;
  for (;;) {
    size_t have = out.size();
    if (have > limit) return Unexpected(EFBIG, path + ": larger than " + std::to_string(limit) + " bytes");
    out.resize(have + kStep);
    ssize_t n = ::read(fd->get(), out.data() + have, kStep);
    if (n < 0 && errno == EINTR)
      n = 0;
    else if (n < 0)
      return errno_error("read " + path);
    else if (n == 0) {
      out.resize(have);
      return out;
    }
    out.resize(have + static_cast<size_t>(n));
  }
}

Result<ByteVector> pread_exact(int fd, uint64_t offset, size_t length) {
  ByteVector out(length);
  size_t have = 0;
  while (have < length) {
    ssize_t n = ::pread(fd, out.data() + have, length - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("pread");
    if (n == 0) return Unexpected(ENODATA, "file ends before byte " + std::to_string(offset + length));
    have += static_cast<size_t>(n);
  }
  return out;
}

Result<void> fsync_directory(const std::string& path) {
  auto fd = open_file(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return Unexpected(fd.error());
  if (::fsync(fd->get()) != 0) return errno_error("fsync " + path);
  return {};
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return errno_error("mkdir " + path);
  std::string parent = std::filesystem::path(path).parent_path().string();
  if (parent.empty() || parent == path) return errno_error("mkdir " + path);
  if (auto made = make_directories(parent, mode); !made) return made;
  if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return errno_error("mkdir " + path);
}

Result<void> replace_file(const std::string& path, Bytes bytes, unsigned mode) {
  std::string temporary = path + ".tmp";
  auto fd = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (!fd) return Unexpected(fd.error());
  auto written = write_all(fd->get(), bytes);
  if (!written) return written;
  if (::fsync(fd->get()) != 0) return errno_error("fsync " + temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename " + temporary);
  std::string directory = std::filesystem::path(path).parent_path().string();
  return fsync_directory(directory.empty() ? "." : directory);
}

}  // namespace headgate
