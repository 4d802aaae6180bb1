// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands of `headgate check` (docs/check.md).
#pragma once

namespace headgate::check {

int run_hls(int argc, char** argv);
int run_dash(int argc, char** argv);

}  // namespace headgate::check
