// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands of `headgate load` (docs/load.md). Exit codes: 0 done and nothing went wrong; 1 something
// did (the result says what); 2 wrong usage.
#pragma once

namespace headgate::load {

int run_publish(int argc, char** argv);
int run_view(int argc, char** argv);
int run_clip(int argc, char** argv);

}  // namespace headgate::load
