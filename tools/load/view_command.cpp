// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json.h>
#include <load/cli_support.h>
#include <load/commands.h>
#include <load/view_load.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace headgate::load {
namespace {

constexpr size_t kMaxListBytes = kMaxJsonBytes;
constexpr int64_t kListSeconds = 10;

struct Wanted {
  std::string url, streams = "all", path = "/hls/%/index.m3u8", json, local;
  int64_t viewers = 1;
  ViewPlan plan;
};

tools::Options options_for(Wanted& wanted) {
  tools::Options options("", "Watches many streams over HLS as players do, without decoding.",
                         "Viewers take the streams in turn. docs/load.md explains the result (--json).");
  options.text("url", wanted.url, "URL", "http://HOST:PORT")
      .text("streams", wanted.streams, "NUMBERS",
            "all: what is live at the start (default); or 1-400, or 1-10,20")
      .text("path", wanted.path, "PATH", "of a stream's playlist, % being its number (/hls/%/index.m3u8)")
      .number("viewers", wanted.viewers, 1, 100'000, "N", "how many (1)");
  real(options, "duration", wanted.plan.duration_s, 0, 1e7, "SECONDS", "0: until Ctrl-C (default)");
  real(options, "ramp", wanted.plan.ramp_s, 0, 1e6, "SECONDS", "spread their starts (1)");
  options.text("from", wanted.local, "ADDRESSES", "local IPv4 addresses in turn: 127.0.1.1-127.0.1.250")
      .text("json", wanted.json, "FILE", "the result; - is standard output");
  return options;
}

// One request on a connection of its own, waiting.
Result<std::string> get(const Address& server, const std::string& authority, const std::string& path) {
  UniqueFd fd(::socket(server.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  timeval limit{kListSeconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&server.storage), server.size) != 0)
    return Unexpected(authority + ": " + std::strerror(errno));
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: " + authority + "\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return Unexpected(authority + ": " + std::strerror(errno));
  HttpResponse response(kMaxListBytes);
  std::array<std::byte, 64 * 1024> buffer;
  while (!response.done()) {
    ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return Unexpected(authority + ": " + std::strerror(errno));
    if (got == 0) {
      if (auto closed = response.closed(); !closed)
        return Unexpected(authority + ": " + closed.error().message);
    } else if (auto fed = response.feed(Bytes(buffer).first(static_cast<size_t>(got))); !fed) {
      return Unexpected(authority + ": " + fed.error().message);
    }
  }
  if (response.status() != 200)
    return Unexpected(authority + path + ": status " + std::to_string(response.status()));
  return response.body();
}

// The playlists of the streams that a node says are live (docs/api.md).
Result<std::vector<std::string>> live_paths(const Address& server, const std::string& authority) {
  auto body = get(server, authority, "/api/v1/streams");
  if (!body) return Unexpected(body.error().message + " (is it a node? --streams NUMBERS asks nobody)");
  std::vector<std::string> paths;
  const Json json = Json::object_of(*body);
  if (!json.at("streams").is(Json::Kind::array))
    return Unexpected(authority + ": /api/v1/streams is not a list of streams");
  json.each("streams", [&](const Json& stream) {
    std::string path = stream.text("hls");
    if (stream.text("state") == "live" && !path.empty()) paths.push_back(std::move(path));
  });
  if (paths.empty()) return Unexpected(authority + ": no stream is live");
  return paths;
}

Result<std::vector<std::string>> numbered_paths(const Wanted& wanted) {
  auto numbers = parse_numbers(wanted.streams);
  if (!numbers) return Unexpected("--streams: " + numbers.error().message);
  size_t mark = wanted.path.find('%');
  if (mark == std::string::npos && numbers->size() > 1) return Unexpected("--path has no % for the number");
  std::vector<std::string> paths;
  for (uint32_t number : *numbers) {
    std::string path = wanted.path;
    if (mark != std::string::npos) path.replace(mark, 1, std::to_string(number));
    paths.push_back(path);
  }
  return paths;
}

}  // namespace

int run_view(int argc, char** argv) {
  Wanted wanted;
  auto rest = options_for(wanted).parse(argc, argv);
  if (!rest) return complain(2, "view", rest.error().message);
  if (!rest->empty()) return complain(2, "view", "'" + rest->front() + "' is one argument too many");
  if (wanted.url.empty()) return complain(2, "view", "--url is needed");
  auto url = parse_url(wanted.url);
  if (!url) return complain(2, "view", url.error().message);
  if (url->scheme != "http") return complain(2, "view", "--url must begin with http://");
  auto server = resolve(url->host, url->port.empty() ? "80" : url->port);
  if (!server) return complain(1, "view", server.error().message);
  auto paths = wanted.streams == "all" ? live_paths(*server, url->authority()) : numbered_paths(wanted);
  if (!paths) return complain(1, "view", paths.error().message);
  wanted.plan.paths = std::move(*paths);
  wanted.plan.viewers = static_cast<uint32_t>(wanted.viewers);
  if (!wanted.local.empty()) {
    auto local = parse_local_addresses(wanted.local);
    if (!local) return complain(2, "view", "--from: " + local.error().message);
    wanted.plan.local = std::move(*local);
  }
  if (auto allowed = allow_descriptors(wanted.plan.viewers); !allowed)
    return complain(1, "view", allowed.error().message);

  ViewLoad load(wanted.plan, *server, url->authority());
  load.run();
  std::fprintf(stderr, "%s\n", load.summary().c_str());
  if (auto written = write_result(wanted.json, load.json()); !written)
    return complain(1, "view", written.error().message);
  return load.undisturbed() ? 0 : 1;
}

}  // namespace headgate::load
