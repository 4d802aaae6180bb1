// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-origin: the node's HTTP server: pages, API, playlists and segments (docs/api.md).
#include <base/clock.h>
#include <base/io.h>
#include <base/json_line.h>
#include <common/listeners.h>
#include <common/log.h>
#include <common/options.h>
#include <common/unix_listener.h>
#include <glib-unix.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <optional>

#include "control.h"
#include "demand.h"
#include "http_server.h"
#include "node_json.h"
#include "requests.h"
#include "site.h"
#include "succession.h"
#include "text.h"
#include "turns.h"

namespace headgate::origin {
namespace {

constexpr rlim_t kOtherDescriptors = 256;       // sockets of workers, libraries
constexpr rlim_t kDescriptorsOfConnection = 2;  // its socket and its file
// Of the connections so many in a hundred may wait for what is not there yet: the others fetch it.
constexpr int64_t kWaitingPercent = 75;
constexpr int64_t kMaxOwnConnections = 64;  // over the Unix socket

struct CommandLine {
  std::string runtime_dir, listen;
  CatalogSettings catalog;
  ConnectionLimits limits;
  ladder::DemandLimits rungs;
  bool check = false;
};

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine out;
  int64_t event = 0, window = out.catalog.window.window_ms / 1000,
          playlist = out.catalog.window.live_ms / 1000, grace = out.catalog.grace_ms / 1000,
          rung_mpixels = 20, rungs_per_worker = out.rungs.rungs_of_worker;
  tools::Options options(
      "", "The node's HTTP server. Started by `headgate serve`.",
      "Serves on the inherited listener \"http\" (LISTEN_FDS), or on --listen. SIGUSR1: another "
      "origin has the port; ends when nobody is connected.");
  options.text("runtime-dir", out.runtime_dir, "DIR", "folder of the node's sockets")
      .text("root", out.catalog.root, "DIR", "archive root")
      .number("event", event, 0, UINT32_MAX, "N", "the event whose streams are shown")
      .text("listen", out.listen, "HOST:PORT", "listen here; port 0: the kernel chooses")
      .number("window", window, 10, 86'400, "S", "segments of a live stream kept in memory (default 180)")
      .number("playlist", playlist, 6, 86'400, "S", "length of live playlists (default 60)")
      .number("grace", grace, 0, 86'400, "S", "a stream waits so long for its publisher (default 120)")
      .number("rung-mpixels", rung_mpixels, 0, 1'000'000, "N",
              "million pixels a second that rungs on demand are encoded in (default 20)")
      .number("rungs-per-worker", rungs_per_worker, 0, 1000, "N", "of them at a time in one (default 16)")
      .number("max-connections", out.limits.all, 16, 1'000'000, "N",
              "in all; beyond, idle ones make way (default 4000)")
      .number("max-connections-per-address", out.limits.of_address, 0, 1'000'000, "N",
              "IPv6: per /64; this machine's own is not counted; 0: no limit (default 1000)")
      .flag("check", out.check, "read the command line, then end");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (out.runtime_dir.empty() || out.catalog.root.empty())
    return Unexpected("--runtime-dir and --root are needed");
  out.catalog.event = static_cast<uint32_t>(event);
  out.catalog.window = {window * 1000, playlist * 1000};
  out.catalog.grace_ms = grace * 1000;
  out.rungs.pixels = static_cast<uint64_t>(rung_mpixels) * 1'000'000;
  out.rungs.rungs_of_worker = static_cast<uint32_t>(rungs_per_worker);
  return out;
}

Result<UniqueFd> http_listener(const std::string& address) {
  auto inherited = tools::take_inherited_listeners();
  if (auto http = inherited.find("http"); http != inherited.end()) return std::move(http->second);
  if (address.empty()) return Unexpected("no inherited listener \"http\", and no --listen");
  return tools::listen_tcp(address);
}

struct Descriptors {
  int64_t connections;
  size_t files;
};

// As many descriptors as the system gives. Connections fit under them, each with a file that is kept open for
// its answer alone, and the files that stay open.
Descriptors descriptors_for(int64_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {connections, kMaxOpenFiles};
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t files = std::min<rlim_t>(kMaxOpenFiles, limit.rlim_cur / 8),
               others = files + kOtherDescriptors;
  const rlim_t rest = limit.rlim_cur > 2 * others ? limit.rlim_cur - others : limit.rlim_cur / 2,
               most = rest / kDescriptorsOfConnection;
  return {std::min(connections, static_cast<int64_t>(std::min<rlim_t>(most, INT32_MAX))),
          static_cast<size_t>(files)};
}

// The process's status (docs/metrics.md).
std::string status_json(const Requests& requests, const HttpServer& server, const Catalog& catalog) {
  size_t live = 0, replay = 0;
  for (const auto& [station, stream] : catalog.streams()) {
    live += stream->index().segments().size();
    for (const auto& [name, one] : stream->renditions()) live += one->live.index().segments().size();
    if (const playlist::StreamIndex* whole = stream->replay()) replay += whole->segments().size();
  }
  const Seats::Counts& closed = server.counts();
  return JsonLine()
      .field("connections", server.open_connections())
      .raw("closed", JsonLine()
                         .field("made_way", closed.made_way)
                         .field("over_address", closed.over_address)
                         .field("overdue", closed.overdue)
                         .take())
      .field("waiting", catalog.waiting())
      .field("viewers", requests.viewers(system_clock().mono_us()))
      .field("live_segments", live)
      .field("replay_segments", replay)
      .field("texts_made", KeptText::made())
      .raw("requests", requests.json())
      .take();
}

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

gboolean run_loop(gint, GIOCondition, gpointer loop) {
  static_cast<Loop*>(loop)->run_once(0);
  return G_SOURCE_CONTINUE;
}

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) return fail(line.error().message, 2);
  if (line->check) return 0;
  auto listener = http_listener(line->listen);
  if (!listener) return fail(listener.error().message, 1);
  auto address = tools::bound_address(listener->get());
  if (!address) return fail(address.error().message, 1);

  const Descriptors descriptors = descriptors_for(line->limits.all);
  line->catalog.most_waiting = static_cast<size_t>(descriptors.connections * kWaitingPercent / 100);
  GMainLoop* main_loop = g_main_loop_new(nullptr, FALSE);
  Loop loop;
  Succession* running = nullptr;
  int code = 0;
  auto quit = [&] { g_main_loop_quit(main_loop); };
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGUSR1}, [&](int signal) {
    if (signal == SIGUSR1 && running)
      running->retire(quit);
    else
      quit();
  });
  {
    Archive archive(loop, line->catalog.root, line->catalog.event);
    Disk media_disk(loop, "media");
    Catalog catalog(loop, archive, line->catalog);
    WorkerFeed feed(loop, line->runtime_dir, catalog);
    MediaFiles media(loop, media_disk, line->catalog.root, descriptors.files);
    Views views(loop, catalog, media);
    Events events(loop, catalog);
    Control control(loop, listener->get(), quit);
    Demand demand(catalog, line->rungs, [&](uint32_t worker, uint64_t session, const std::string& rendition) {
      feed.want(worker, session, rendition);
    });
    catalog.when_rendition([&](const Stream& stream) { demand.follow(stream); });
    Site site(catalog, media, views, events, demand,
              [&](uint32_t worker, uint64_t session) { feed.want(worker, session, wire::kPoster); });
    Requests requests;
    line->limits.all = descriptors.connections;
    HttpServer server(
        loop, *std::move(listener), line->limits,
        [&](SoupServerMessage* message, const std::string& path) { site.handle(message, path); },
        [&](const AnswerPtr& answer, const std::string& path, const std::string& query) {
          site.media(answer, path, query);
        });
    server.count_in(requests);
    control.says([&] { return status_json(requests, server, catalog); });
    std::optional<HttpServer> own;
    // Who publishes from where, processes and paths: headgate-control asks, for operators. The name is the
    // other origin's until this one serves.
    auto open_own = [&]() -> Result<void> {
      auto own_listener = tools::listen_unix(line->runtime_dir, tools::kOriginHttpSocket);
      if (!own_listener) return Unexpected(own_listener.error());
      own.emplace(loop, *std::move(own_listener), ConnectionLimits{kMaxOwnConnections, 0},
                  [&](SoupServerMessage* message, const std::string& path) {
                    if (path != "/api/v1/node") return site.handle(message, path);
                    send_reply(message, json_reply(node_json(control.node(), feed, catalog, demand,
                                                             line->catalog.root)));
                  });
      own->open();
      return {};
    };
    Succession succession(loop, {server, feed, catalog, events});
    running = &succession;
    catalog.start();
    if (auto started = feed.start(); !started) return fail(started.error().message, 1);
    if (auto started = control.listen(line->runtime_dir); !started) return fail(started.error().message, 1);
    succession.open(line->runtime_dir, [&] {
      if (auto opened = open_own(); !opened) {
        code = fail(opened.error().message, 1);
        return loop.post(quit);  // also when the loop does not run yet
      }
      tools::log_info("serves http://" + *address + "/");
      control.serves();
    });
    GSource* source = g_unix_fd_source_new(loop.fd(), G_IO_IN);
    g_source_set_callback(source, G_SOURCE_FUNC(run_loop), &loop, nullptr);
    // No loop runs in one of its callbacks. Did GLib see to that, it would wake itself up twice each time.
    g_source_set_can_recurse(source, TRUE);
    g_source_attach(source, nullptr);
    Turns::watch();
    g_main_loop_run(main_loop);
    g_source_destroy(source);
    g_source_unref(source);
    running = nullptr;
    if (own && !succession.retired())  // else the name is the other one's
      tools::forget_unix(line->runtime_dir, tools::kOriginHttpSocket);
  }
  g_main_loop_unref(main_loop);
  return code;
}

}  // namespace
}  // namespace headgate::origin

int main(int argc, char** argv) {
  headgate::tools::start_log("headgate-origin");
  return headgate::origin::run(argc, argv);
}
