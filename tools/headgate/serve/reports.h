// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes to headgate-control of each process of the node, each second: what it says of itself, and under
// `usage` what it uses of the machine. In the loop's thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <wire/messages.h>

#include "guard.h"

namespace headgate::serve {

class Reports {
 public:
  // `looks` outlives it.
  explicit Reports(CloseLooks& looks) : looks_(looks) {}
  // Of the process that has the place `name`. `now_ms` never goes back.
  wire::Status of(const std::string& name, const wire::Status& told, int64_t now_ms);
  // Of this process.
  wire::Status own(int64_t now_ms);

 private:
  CloseLooks& looks_;
  std::map<std::string, UsageMeter> meters_;  // by place: bounded by those
};

}  // namespace headgate::serve
