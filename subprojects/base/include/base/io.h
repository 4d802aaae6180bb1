// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole reads and writes over POSIX files. Error.code is errno.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

#include <base/bytes.h>
#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate {

// "open /x: No such file or directory", with code = errno as it is now.
Unexpected errno_error(const std::string& what);

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode = 0640);
Result<void> write_all(int fd, Bytes bytes);
// Writes every span at `offset`, going on after short writes and EINTR; modifies the iovecs.
Result<void> pwritev_all(int fd, std::span<iovec> parts, uint64_t offset);
// Refuses files larger than `limit` bytes.
Result<ByteVector> read_file(const std::string& path, size_t limit);
Result<ByteVector> pread_exact(int fd, uint64_t offset, size_t length);
Result<void> fsync_directory(const std::string& path);
Result<void> make_directories(const std::string& path, unsigned mode = 0750);
// Writes `path`.tmp, fsyncs, renames over `path`, fsyncs the directory.
Result<void> replace_file(const std::string& path, Bytes bytes, unsigned mode = 0640);

}  // namespace headgate
