// SPDX-License-Identifier: LGPL-2.1-or-later
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <base/io.h>
#include <fmp4/reader.h>

namespace headgate::fmp4 {

Source source_of(Bytes bytes) {
  return {[bytes](uint64_t offset, std::span<std::byte> out) -> Result<size_t> {
            if (offset >= bytes.size()) return size_t{0};
            const Bytes from = bytes.subspan(offset);
            const size_t count = std::min(from.size(), out.size());
            std::copy_n(from.begin(), count, out.begin());
            return count;
          },
          bytes.size()};
}

Result<Source> source_of_file(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return errno_error("fstat");
  const auto read = [fd](uint64_t offset, std::span<std::byte> out) -> Result<size_t> {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t got =
          ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("pread");
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  };
  return Source{read, static_cast<uint64_t>(status.st_size)};
}

}  // namespace headgate::fmp4
