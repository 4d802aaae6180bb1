// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate status: what a running node says of itself (NODE in docs/api.md).
#include <base/io.h>
#include <common/options.h>
#include <json-glib/json-glib.h>
#include <load/cli_support.h>
#include <load/http_response.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "status_table.h"

namespace headgate::cli {
namespace {

constexpr size_t kMaxAnswer = 256 << 20;  // 12,000 streams have about 20 MB
constexpr size_t kMaxNodeFile = 1 << 20;
constexpr int kTimeoutS = 5;
constexpr unsigned kFollowMs = 1000;

struct Arguments {
  std::string data, runtime_dir, url;
  bool json = false, follow = false;
};

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments out;
  tools::Options options("", "Tells what a node is doing: streams, sessions, workers.",
                         "Exit code 1: no node answers.");
  options.text("data", out.data, "DIR", "the node's data folder, as given to `headgate serve`")
      .text("runtime-dir", out.runtime_dir, "DIR", "if the node was given one")
      .text("url", out.url, "URL", "ask this node instead: http://HOST:PORT")
      .flag("json", out.json, "print the JSON as it came")
      .flag("follow", out.follow, "again each second, until Ctrl-C");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (out.data.empty() && out.runtime_dir.empty() && out.url.empty())
    return Unexpected("--data, --runtime-dir or --url is needed");
  const char* runtime = std::getenv("RUNTIME_DIRECTORY");
  if (out.runtime_dir.empty()) out.runtime_dir = runtime && *runtime ? runtime : out.data + "/run";
  return out;
}

// The address in the node.json of a runtime folder.
Result<std::string> url_of(const std::string& runtime_dir) {
  auto file = read_file(runtime_dir + "/node.json", kMaxNodeFile);
  if (!file) return Unexpected("no node runs there: " + file.error().message);
  JsonNode* root = json_from_string(std::string(as_text(*file)).c_str(), nullptr);
  const char* http = nullptr;
  if (root && JSON_NODE_HOLDS_OBJECT(root)) {
    JsonNode* listen = json_object_get_member(json_node_get_object(root), "listen");
    if (listen && JSON_NODE_HOLDS_OBJECT(listen))
      http = json_object_get_string_member_with_default(json_node_get_object(listen), "http", nullptr);
  }
  std::string address = http ? http : "";
  if (root) json_node_unref(root);
  if (address.empty()) return Unexpected(runtime_dir + "/node.json names no address");
  // Where all addresses are listened on, this machine's own is one.
  for (const char* any : {"0.0.0.0:", "[::]:"})
    if (address.rfind(any, 0) == 0)
      address = (any[0] == '0' ? "127.0.0.1:" : "[::1]:") + address.substr(std::string(any).size());
  return "http://" + address;
}

Result<UniqueFd> connect_to(const load::Url& url) {
  auto address = load::resolve(url.host, url.port.empty() ? "80" : url.port);
  if (!address) return Unexpected(address.error());
  const auto* generic = reinterpret_cast<const sockaddr*>(&address->storage);
  UniqueFd fd(::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval timeout{kTimeoutS, 0};
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
      ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0)
    return errno_error("socket");
  if (::connect(fd.get(), generic, address->size) != 0) return errno_error("connect " + url.authority());
  return fd;
}

Result<std::string> ask(const std::string& text) {
  auto url = load::parse_url(text);
  if (!url) return Unexpected(url.error());
  auto fd = connect_to(*url);
  if (!fd) return Unexpected(fd.error());
  std::string request =
      "GET /api/v1/node HTTP/1.1\r\nHost: " + url->authority() + "\r\nConnection: close\r\n\r\n";
  if (auto sent = write_all(fd->get(), as_bytes(request)); !sent) return Unexpected(sent.error());
  load::HttpResponse response(kMaxAnswer);
  ByteVector buffer(64 * 1024);
  while (!response.done()) {
    ssize_t size = ::read(fd->get(), buffer.data(), buffer.size());
    if (size < 0) return errno_error("read from " + url->authority());
    if (size == 0) {
      if (auto closed = response.closed(); !closed) return Unexpected(closed.error());
      break;
    }
    if (auto fed = response.feed(Bytes(buffer).first(static_cast<size_t>(size))); !fed)
      return Unexpected(fed.error());
  }
  if (response.status() != 200) return Unexpected(text + " answered " + std::to_string(response.status()));
  return response.body();
}

Result<std::string> ask_node(const Arguments& arguments) {
  if (!arguments.url.empty()) return ask(arguments.url);
  auto url = url_of(arguments.runtime_dir);
  if (!url) return Unexpected(url.error());
  return ask(*url);
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
