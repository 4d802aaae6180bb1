// SPDX-License-Identifier: LGPL-2.1-or-later
#include "policy_state.h"

#include <base/io.h>

namespace headgate::serve {
namespace {

// The letter behind the name, which may have anything in it; 0: it has gone.
char state_of(int pid) {
  const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
  if (!text) return 0;
  const std::string_view line = as_text(*text);
  const size_t end = line.rfind(") ");
  return end == line.npos || end + 2 >= line.size() ? 0 : line[end + 2];
}

}  // namespace

bool is_stopped(int pid) {
  const char state = state_of(pid);
  return state == 'T' || state == 't';
}

std::string why_silent(int pid) {
  switch (state_of(pid)) {  // of its main thread, whose loop says the status
    case 'T':
    case 't':
      return "is stopped by a signal";
    case 'D':
      return "waits for a disk or another device";
    case 'R':
      return "is busy with something that does not end, or gets no processor";
    case 'S':
      return "sleeps: its loop waits for something that does not come";
    default:
      return "";
  }
}

}  // namespace headgate::serve
