// SPDX-License-Identifier: LGPL-2.1-or-later
// The last records of a session and rendition, for an origin that starts after they were sent: what is on
// disk it reads there; what the writer has not recorded yet is here.
#pragma once

#include <deque>
#include <functional>
#include <string>

#include <base/bytes.h>

namespace headgate::tools {

inline constexpr size_t kHistorySegments = 64;
inline constexpr size_t kHistoryRecords = 1024;  // of all kinds; the oldest leave

class History {
 public:
  // One encoded playlist::Record. Parts leave when their segment comes, and what a rendition was when it says
  // what it is.
  void add(Bytes record);
  // Everything in the order it came, as batches for StreamRecords.
  void replay(const std::function<void(ByteVector batch)>& send) const;

 private:
  enum class Kind { run, init, part, segment, rendition, other };
  struct Entry {
    Kind kind;
    ByteVector bytes;
  };
  void forget_old();

  std::deque<Entry> entries_;
  size_t segments_ = 0;
};

}  // namespace headgate::tools
