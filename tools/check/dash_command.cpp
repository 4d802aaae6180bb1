// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/command_line.h>
#include <check/commands.h>
#include <check/dash_check.h>

namespace headgate::check {

int run_dash(int argc, char** argv) {
  auto options = read_options(
      argc, argv, "Polls a live stream as a player does, loads all of it and holds it to ISO/IEC 23009-1.",
      "URL is an MPD; of a static one all is loaded once. A variant is a Representation.");
  if (!options) return 2;
  Run run(*options);
  DashCheck dash(run, *options);
  dash.start();
  run.loop([&] { return dash.rows(); });
  return conclude(run, *options, "ISO/IEC 23009-1", dash.unreachable(), dash.json());
}

}  // namespace headgate::check
