// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate status: what a running node says of itself (NODE in docs/api.md).
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "../commands.h"
#include "node_client.h"
#include "status_table.h"

namespace headgate::cli {
namespace {

constexpr unsigned kFollowMs = 1000;

// `lines`: of the table before; then of this one.
void show(std::string text, bool over_the_last, int64_t& lines) {
  const int64_t present = std::count(text.begin(), text.end(), '\n');
  // On a terminal the next table goes over the last, and what was there before it (a ticket) stays.
  if (lines > 0 && over_the_last && ::isatty(STDOUT_FILENO))
    text = "\033[" + std::to_string(lines) + "A\r\033[J" + text;
  lines = present;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

int run_status(int argc, char** argv) {
  NodePlace place;
  bool json = false, follow = false;
  tools::Options options("", "Tells what a node is doing: streams, sessions, workers.",
                         "Exit code 1: no node answers.");
  place.add_to(options);
  options.flag("json", json, "print the JSON as it came")
      .flag("follow", follow, "again each second, until Ctrl-C");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  const NodeClient client(place.socket());
  for (int64_t lines = 0;;) {
    auto answer = client.get("/api/v1/node");
    // A node that is being followed may be restarting.
    if (!answer && !follow) return complain(1, argv[0], answer.error().message);
    if (!answer) {
      std::fprintf(stderr, "%s\n", answer.error().message.c_str());
    } else if (json) {
      show(*answer, false, lines);
    } else {
      const Json node = Json::object_of(*answer);
      if (!node.is_object()) return complain(1, argv[0], "the node's answer is not JSON");
      show(status_table(node, now_utc_us()), true, lines);
    }
    if (!follow) return 0;
    ::usleep(kFollowMs * 1000);
  }
}

}  // namespace headgate::cli
