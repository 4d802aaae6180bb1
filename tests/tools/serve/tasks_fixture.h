// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs of a line of shell, on a loop.
#pragma once

#include <string>

#include "loop_test.h"
#include "serve/tasks.h"

namespace headgate::serve {

inline Program shell(const std::string& script) {
  Program out;
  out.path = "/bin/sh";
  out.arguments = {"-c", script, "sh"};
  return out;
}

class TasksFixture : public test::LoopTest {
 protected:
  Tasks tasks_{loop_};
};

}  // namespace headgate::serve
