// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process is doing, as the kernel sees it (proc(5)).
#pragma once

#include <string>

namespace headgate::serve {

bool is_stopped(int pid);  // by SIGSTOP or a debugger
// Of one that should have said something: "is stopped by a signal", "waits for a disk", …; empty: not known.
std::string why_silent(int pid);

}  // namespace headgate::serve
