// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/journal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace headgate::tools {
namespace {

constexpr size_t kMaxName = 64;  // of the journal

// journald drops what is named otherwise; a leading underscore is its own.
bool good_name(std::string_view name) {
  auto good = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && name.size() <= kMaxName && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin(), name.end(), good);
}

}  // namespace

bool is_journal_stream(int fd, const char* journal_stream) {
  struct stat own {};
  if (!journal_stream || ::fstat(fd, &own) != 0) return false;
  const char* end = journal_stream + std::strlen(journal_stream);
  uint64_t device = 0, inode = 0;
  auto [colon, error] = std::from_chars(journal_stream, end, device);
  if (error != std::errc() || colon == end || *colon != ':') return false;
  auto [stop, wrong] = std::from_chars(colon + 1, end, inode);
  return wrong == std::errc() && stop == end && own.st_dev == device && own.st_ino == inode;
}

void JournalRecord::add(std::string_view name, std::string_view value) {
  if (!good_name(name)) return;
  value = value.substr(0, kMaxJournalValue);
  datagram_ += name;
  if (value.find('\n') == std::string_view::npos) {
    datagram_ += '=';
  } else {  // its length, little endian, so that no line in it is a field of its own
    datagram_ += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      datagram_ += static_cast<char>((static_cast<uint64_t>(value.size()) >> shift) & 0xff);
  }
  datagram_ += value;
  datagram_ += '\n';
}

bool Journal::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  fd_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd_ && ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return true;
  fd_ = UniqueFd();
  return false;
}

bool Journal::send(const JournalRecord& record) {
  const std::string& datagram = record.datagram();
  for (bool again : {true, false}) {
    if (!fd_ && !connect()) return false;
    if (::send(fd_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
    if (errno == EAGAIN || errno == EMSGSIZE || errno == ENOBUFS) return false;
    // The journal was started anew behind another socket.
    fd_ = UniqueFd();
    if (!again) break;
  }
  return false;
}

}  // namespace headgate::tools
