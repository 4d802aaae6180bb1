// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate status: what a running node says of itself (NODE in docs/api.md).
#include <base/io.h>
#include <common/options.h>
#include <load/http_response.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include "commands.h"
#include "status_table.h"

namespace headgate::cli {
namespace {

constexpr size_t kMaxAnswer = 256 << 20;  // 12,000 streams have about 20 MB
constexpr int kTimeoutS = 5;
constexpr unsigned kFollowMs = 1000;
constexpr char kServiceRuntimeDir[] = "/run/headgate";  // of the systemd unit

struct Arguments {
  std::string data, runtime_dir;
  bool json = false, follow = false;
};

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments out;
  tools::Options options("", "Tells what a node is doing: streams, sessions, workers.",
                         "Exit code 1: no node answers.");
  options
      .text("data", out.data, "DIR",
            "the node's data folder, as given to `headgate serve` (default: the service's)")
      .text("runtime-dir", out.runtime_dir, "DIR", "if the node was given one")
      .flag("json", out.json, "print the JSON as it came")
      .flag("follow", out.follow, "again each second, until Ctrl-C");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  const char* runtime = std::getenv("RUNTIME_DIRECTORY");
  if (out.runtime_dir.empty() && runtime) out.runtime_dir = runtime;
  if (out.runtime_dir.empty()) out.runtime_dir = out.data.empty() ? kServiceRuntimeDir : out.data + "/run";
  return out;
}

// The origin's socket for whoever may know everything; it is the node's own user's.
Result<UniqueFd> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Unexpected(path + ": too long a path for a socket");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval timeout{kTimeoutS, 0};
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
    return errno_error("socket");
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Unexpected("no node answers at " + path + ": " + std::generic_category().message(errno));
  return fd;
}

Result<std::string> ask_node(const Arguments& arguments) {
  const std::string path = arguments.runtime_dir + "/admin.sock";
  auto fd = connect_to(path);
  if (!fd) return Unexpected(fd.error());
  constexpr std::string_view kRequest =
      "GET /api/v1/node HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (auto sent = write_all(fd->get(), as_bytes(kRequest)); !sent) return Unexpected(sent.error());
  load::HttpResponse response(kMaxAnswer);
  ByteVector buffer(64 * 1024);
  while (!response.done()) {
    ssize_t size = ::read(fd->get(), buffer.data(), buffer.size());
    if (size < 0) return errno_error("read from " + path);
    if (size == 0) {
      if (auto closed = response.closed(); !closed) return Unexpected(closed.error());
      break;
    }
    if (auto fed = response.feed(Bytes(buffer).first(static_cast<size_t>(size))); !fed)
      return Unexpected(fed.error());
  }
  if (response.status() != 200) return Unexpected(path + " answered " + std::to_string(response.status()));
  return response.body();
}

// `lines`: of the table before; then of this one.
void show(const std::string& json, const Arguments& arguments, int64_t& lines) {
  std::string text = arguments.json ? json : status_table(json);
  int64_t present = std::count(text.begin(), text.end(), '\n');
  // On a terminal the next table goes over the last, and what was there before it (a ticket) stays.
  if (lines > 0 && !arguments.json && ::isatty(STDOUT_FILENO))
    text = "\033[" + std::to_string(lines) + "A\r\033[J" + text;
  lines = present;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

int run_status(int argc, char** argv) {
  auto arguments = parse_arguments(argc, argv);
  if (!arguments) return complain(2, argv[0], arguments.error().message);
  for (int64_t lines = 0;;) {
    auto json = ask_node(*arguments);
    // A node that is being followed may be restarting.
    if (!json && !arguments->follow) return complain(1, argv[0], json.error().message);
    if (json)
      show(*json, *arguments, lines);
    else
      std::fprintf(stderr, "%s\n", json.error().message.c_str());
    if (!arguments->follow) return 0;
    ::usleep(kFollowMs * 1000);
  }
}

}  // namespace headgate::cli
