// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/cli_support.h>
#include <load/commands.h>

namespace headgate::load {
int run_view(int, char**) {
  return complain(1, "view", "not built");
}
}  // namespace headgate::load
