// SPDX-License-Identifier: LGPL-2.1-or-later
// Publishers who were refused, in the log. A flood of wrong attempts is told by number, not line by line. In
// the loop's thread.
#pragma once

#include <ingest/listener.h>

namespace headgate::gate {

inline constexpr unsigned kRefusalLinesPerSecond = 50;

class RefusalLog {
 public:
  void refused(const ingest::Refused& one);
  void next_second();  // tells how many were not told in the one before

 private:
  unsigned told_ = 0, untold_ = 0;  // in this second
};

}  // namespace headgate::gate
