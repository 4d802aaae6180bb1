// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate kick, headgate release, headgate drain: what an operator tells a node to do.
#include <base/clock.h>
#include <base/json_line.h>
#include <common/operator_text.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <utility>

#include "../commands.h"
#include "json_words.h"
#include "node_client.h"
#include "sessions_left.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr unsigned kLookAgainMs = 500;
constexpr int kLooksAtNew = 20;  // a worker that starts has told its sessions by then, or does not

std::string count_text(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string left_text(const SessionsLeft& left) {
  const std::string text = count_text(left.known, "session");
  const size_t untold = left.silent_workers + left.new_workers;
  return untold == 0 ? text : text + ", and those of " + count_text(untold, "worker") + " that cannot tell,";
}

// Why, in the operator's words.
struct Reason {
  std::string text = {'\0'};  // that no argument can be: none was given
  bool given = false;

  void add_to(tools::Options& options, const char* help) { options.text("reason", text, "TEXT", help); }
  // After parsing. Not empty: what is wrong with it.
  std::string check() {
    given = text != std::string{'\0'};
    if (!given || (!text.empty() && text.size() <= tools::kMaxReasonBytes && tools::is_plain_text(text)))
      return "";
    return "--reason takes 1 to " + std::to_string(tools::kMaxReasonBytes) +
           " bytes of UTF-8 without control characters";
  }
  JsonLine& in(JsonLine& line) const { return given ? line.field("reason", text) : line; }
  std::string body() const {
    JsonLine line;
    return given ? in(line).take() : "";
  }
};

struct DrainArguments {
  NodePlace place;
  Reason reason;
  int64_t worker = -1, timeout_s = 0;
  std::string reconnect_to;
  bool reconnect = false, off = false, wait = false, json = false;

  const char* method() const { return off ? "DELETE" : "POST"; }
  std::string path() const {
    return worker < 0 ? "/api/v1/drain" : "/api/v1/workers/" + std::to_string(worker) + "/drain";
  }
  std::string body() const {
    JsonLine line;
    if (reconnect) line.field("reconnect", true);
    if (!reconnect_to.empty()) line.field("reconnect_to", reconnect_to);
    if (reconnect || !reconnect_to.empty()) return reason.in(line).take();
    return reason.body();
  }
};

// Until no session is left, of the process `worker_pid` or of all (0); 1 when that takes too long. A node
// that does not answer is asked again: its processes may be started anew while it is drained.
int wait_until_drained(const char* program, const DrainArguments& arguments, const NodeClient& client,
                       int64_t worker_pid) {
  const int64_t began_us = system_clock().mono_us();
  bool missing = false;
  int looks_at_new = 0;
  for (std::optional<SessionsLeft> told;;) {
    auto node = client.node();
    auto left = node ? sessions_left(*node, worker_pid) : Unexpected(node.error());
    if (!left && !std::exchange(missing, true))
      complain(1, program, left.error().message + "; it is asked again until it answers");
    if (left) missing = false;
    if (left) looks_at_new = left->new_workers == 0 ? 0 : looks_at_new + 1;
    const bool to_tell = left && told != *left && (looks_at_new == 0 || looks_at_new > kLooksAtNew);
    if (to_tell && !arguments.json) {
      std::printf("%s left\n", left_text(*left).c_str());
      std::fflush(stdout);
    }
    if (to_tell) told = *left;
    if (left && left->none()) return 0;
    if (arguments.timeout_s > 0 && system_clock().mono_us() - began_us > arguments.timeout_s * 1'000'000)
      return complain(1, program,
                      left ? left_text(*left) + " are still there after " +
                                 std::to_string(arguments.timeout_s) + " s; `headgate kick` ends one"
                           : left.error().message);
    ::usleep(kLookAgainMs * 1000);
  }
}

}  // namespace

int run_kick(int argc, char** argv) {
  NodePlace place;
  int64_t station = -1;
  std::string session;
  Reason reason;
  bool json = false;
  tools::Options options(
      "", "Ends a publisher's connection, of a station or by the session's id.",
      "The publisher may come again at once: who is not to, needs a ticket that is revoked.\n\n"
      "Examples:\n"
      "  headgate kick --station 421 --reason \"wrong room\"\n"
      "  headgate kick --session \"$(headgate sessions 421 --json | jq -r '.sessions[0].session')\"\n\n"
      "Exit code 1: no node answers, or there is no such session.");
  place.add_to(options);
  options.number("station", station, 0, UINT32_MAX, "N", "the present session of this station")
      .text("session", session, "ID", "this session")
      .flag("json", json, "print the answer as it came");
  reason.add_to(options, "why: told to the publisher, the log and the events");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  if ((station < 0) == session.empty()) return complain(2, argv[0], "give --station N or --session ID");
  if (station < 0 && !tools::session_of_text(session))
    return complain(2, argv[0], "'" + session + "' is not a session's id: `headgate sessions` lists them");
  if (const std::string wrong = reason.check(); !wrong.empty()) return complain(2, argv[0], wrong);
  const std::string path = station >= 0 ? "/api/v1/streams/" + std::to_string(station) + "/kick"
                                        : "/api/v1/sessions/" + session + "/kick";
  auto answer = NodeClient(place.socket()).good("POST", path, reason.body());
  if (!answer) return complain(1, argv[0], answer.error().message);
  if (json) {
    std::puts(answer->c_str());
    return 0;
  }
  // One that hangs is told, and ends when it can.
  const Json parsed = Json::object_of(*answer);
  const char* state = parsed.truth("closed") ? "is ended" : "was told to end";
  const std::string whose = scalar_text(parsed.at("session"));
  std::printf("session %s %s\n", printable(whose).c_str(), state);
  return 0;
}

int run_release(int argc, char** argv) {
  NodePlace place;
  int64_t station = -1;
  bool json = false;
  tools::Options options(
      "", "Ends a station's quarantine: it is let in again, and may share a worker.",
      "A station is in quarantine when what it sent has ended workers; that ends by itself after half an\n"
      "hour without another death. Use this when the cause is gone, as with another encoder: what ends\n"
      "workers again is in quarantine again. It also ends that a station is set apart because workers\n"
      "that it was on took too much.\n\n"
      "Examples:\n"
      "  headgate release --station 421\n"
      "  headgate status --json | jq .quarantine,.apart      who is\n\n"
      "Exit code 1: no node answers, or the station is neither in quarantine nor set apart.");
  place.add_to(options);
  Reason reason;
  options.number("station", station, 0, UINT32_MAX, "N", "this station")
      .flag("json", json, "print the answer as it came");
  reason.add_to(options, "why: for the log and the events");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  if (station < 0) return complain(2, argv[0], "give --station N");
  if (const std::string wrong = reason.check(); !wrong.empty()) return complain(2, argv[0], wrong);
  auto answer = NodeClient(place.socket())
                    .good("POST", "/api/v1/streams/" + std::to_string(station) + "/release", reason.body());
  if (!answer) return complain(1, argv[0], answer.error().message);
  if (json)
    std::puts(answer->c_str());
  else
    std::printf("station %lld is released\n", static_cast<long long>(station));
  return 0;
}

int run_drain(int argc, char** argv) {
  DrainArguments arguments;
  tools::Options options(
      "", "Takes no new publishers: a node, or one worker. The present ones go on.",
      "Publishers that come are told that the node is drained, and go to the next endpoint of their\n"
      "ticket. A worker that is drained ends when its sessions have; another is started in its place.\n"
      "Publishers that can be asked to (Enhanced RTMP) come to that one at once with --reconnect.\n"
      "With --reconnect-to publishers that have said they would (Enhanced RTMP) are asked to go there, when\n"
      "it suits them; the others go on. Pipelines that the node runs by itself go on as long as it runs:\n"
      "they are not waited for.\n\n"
      "Examples:\n"
      "  headgate drain --wait --timeout 3600      before maintenance\n"
      "  headgate drain --reconnect-to rtmp://b.example/live --wait\n"
      "  headgate drain --off                      afterwards\n"
      "  headgate drain --worker 3                 a worker that has become too large\n\n"
      "Exit code 1: no node answers, it refuses, or sessions are left after --timeout.");
  arguments.place.add_to(options);
  options.number("worker", arguments.worker, 0, UINT32_MAX, "N", "only this worker")
      .flag("reconnect", arguments.reconnect, "with --worker: ask its publishers to connect anew")
      .text("reconnect-to", arguments.reconnect_to, "URL", "ask publishers to go to this address")
      .flag("off", arguments.off, "take publishers again")
      .flag("wait", arguments.wait, "until no session is left, telling how many there are")
      .number("timeout", arguments.timeout_s, 1, 7 * 86400, "S", "with --wait: at most so long")
      .flag("json", arguments.json, "print the answer as it came");
  arguments.reason.add_to(options, "why: for the log and the events");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  if (arguments.off && (arguments.wait || arguments.worker >= 0))
    return complain(2, argv[0], "--off is of the whole node, and has nothing to wait for");
  if (arguments.timeout_s > 0 && !arguments.wait) return complain(2, argv[0], "--timeout needs --wait");
  if (arguments.reconnect && arguments.worker < 0)
    return complain(2, argv[0], "--reconnect needs --worker: of the whole node, --reconnect-to");
  if (!arguments.reconnect_to.empty() && (arguments.off || arguments.worker >= 0))
    return complain(2, argv[0], "--reconnect-to is for draining the whole node");
  if (!arguments.reconnect_to.empty() && !tools::is_rtmp_address(arguments.reconnect_to))
    return complain(2, argv[0], "--reconnect-to takes rtmp://HOST:PORT/APP or rtmps://HOST:PORT/APP");
  if (const std::string wrong = arguments.reason.check(); !wrong.empty()) return complain(2, argv[0], wrong);
  const NodeClient client(arguments.place.socket());
  int64_t worker_pid = 0;
  if (arguments.wait && arguments.worker >= 0) {
    // Another one may have its number when it has ended.
    auto node = client.node();
    if (!node) return complain(1, argv[0], node.error().message);
    worker_pid = pid_of_worker(*node, arguments.worker);
    if (worker_pid == 0) return complain(1, argv[0], "there is no such worker; `headgate status` lists them");
  }
  auto answer = client.good(arguments.method(), arguments.path(), arguments.body());
  if (!answer) return complain(1, argv[0], answer.error().message);
  if (arguments.json)
    std::puts(answer->c_str());
  else if (arguments.off)
    std::puts("the node takes publishers again");
  else
    std::puts(arguments.worker < 0 ? "the node takes no new publishers"
                                   : "the worker takes no new publishers");
  std::fflush(stdout);
  return arguments.wait ? wait_until_drained(argv[0], arguments, client, worker_pid) : 0;
}

}  // namespace headgate::cli
