// SPDX-License-Identifier: LGPL-2.1-or-later
// Records to systemd's journal with their fields, by its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram each. sd_journal_sendv(3) and GLib's writer do the
// same and wait while the journal's queue is full; a node's processes wait for no log.
#pragma once

#include <string>
#include <string_view>

#include <base/unique_fd.h>

namespace headgate::tools {

inline constexpr char kJournalSocket[] = "/run/systemd/journal/socket";
// Of one value; what is longer is cut. Publishers' texts are values.
inline constexpr size_t kMaxJournalValue = 8 * 1024;

// $JOURNAL_STREAM ("device:inode", systemd.exec(5)) is of this descriptor: whoever reads it is the journal.
bool is_journal_stream(int fd, const char* journal_stream);

// One record. Names are upper case, digits and underscores, as the journal takes them; others are left out.
class JournalRecord {
 public:
  void add(std::string_view name, std::string_view value);
  const std::string& datagram() const { return datagram_; }

 private:
  std::string datagram_;
};

class Journal {
 public:
  explicit Journal(std::string path = kJournalSocket) : path_(std::move(path)) {}
  // Never blocks. False: it takes nothing now.
  bool send(const JournalRecord& record);

 private:
  bool connect();
  std::string path_;
  UniqueFd fd_;
};

}  // namespace headgate::tools
