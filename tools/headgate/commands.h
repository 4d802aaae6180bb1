// SPDX-License-Identifier: LGPL-2.1-or-later
// The subcommands of `headgate` (common/commands.h says what each is given and returns).
#pragma once

#include <common/commands.h>

namespace headgate::cli {

using tools::Command;
using tools::complain;
using tools::run_command;

int run_serve(int argc, char** argv);
int run_status(int argc, char** argv);
int run_streams(int argc, char** argv);
int run_sessions(int argc, char** argv);
int run_top(int argc, char** argv);
int run_kick(int argc, char** argv);
int run_release(int argc, char** argv);
int run_drain(int argc, char** argv);
int run_events(int argc, char** argv);
int run_logs(int argc, char** argv);
int run_pipeline(int argc, char** argv);
int run_ticket(int argc, char** argv);
int run_archive(int argc, char** argv);
int run_check(int argc, char** argv);
int run_load(int argc, char** argv);
int run_preflight(int argc, char** argv);
int run_upgrade(int argc, char** argv);

}  // namespace headgate::cli
