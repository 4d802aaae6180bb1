// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/command_line.h>
#include <check/commands.h>
#include <check/hls_check.h>

namespace headgate::check {

int run_hls(int argc, char** argv) {
  auto options = read_options(
      argc, argv, "Polls a live stream as a player does, loads all of it and holds it to RFC 8216bis.",
      "URL is a multivariant or a media playlist; of a recording all is loaded once.");
  if (!options) return 2;
  Run run(*options);
  HlsCheck hls(run, *options);
  hls.start();
  run.loop([&] { return hls.rows(); });
  if (hls.unreachable().empty()) hls.conclude();
  return conclude(run, *options, "RFC 8216bis", hls.unreachable(), hls.json());
}

}  // namespace headgate::check
