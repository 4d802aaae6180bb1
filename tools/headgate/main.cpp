// SPDX-License-Identifier: LGPL-2.1-or-later
#include <clocale>
#include <cstdio>
#include <cstring>

#include "commands.h"

namespace headgate::cli {
namespace {

constexpr Command kCommands[] = {
    {"serve", "run a node", run_serve},
    {"status", "tell what a node is doing", run_status},
    {"streams", "list a node's streams", run_streams},
    {"sessions", "list the publishers' connections to a node", run_sessions},
    {"top", "show a node's streams on the terminal", run_top},
    {"kick", "end a publisher's connection", run_kick},
    {"release", "end a station's quarantine", run_release},
    {"drain", "take no new publishers", run_drain},
    {"events", "print what happened on a node", run_events},
    {"logs", "print what the programs of a node logged", run_logs},
    {"pipeline", "list, explain, check, draw and run pipeline descriptions", run_pipeline},
    {"ticket", "make keys, issue tickets, explain a ticket", run_ticket},
    {"archive", "list, show and recover what was recorded", run_archive},
    {"check", "hold a live stream to the standard that it follows", run_check},
    {"preflight", "check what has to be right before the day", run_preflight},
    {"upgrade", "replace a node's programs by those on disk, while it runs", run_upgrade},
    {"load", "publish and watch by the thousand, to measure with", run_load},
    {nullptr, nullptr, nullptr},
};

}  // namespace
}  // namespace headgate::cli

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0) {
    std::puts("headgate " HEADGATE_VERSION);
    return 0;
  }
  return headgate::cli::run_command("headgate",
                                    "Live media from thousands of publishers, each let in by a ticket.",
                                    headgate::cli::kCommands, argc, argv);
}
