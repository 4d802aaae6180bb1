// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-control: what operators and their programs ask and tell a node (docs/api.md, "Control").
#include <common/listeners.h>
#include <common/log.h>
#include <common/options.h>
#include <common/unix_listener.h>
#include <glib-unix.h>

#include <base/json_line.h>

#include <csignal>
#include <cstdio>
#include <memory>

#include "event_log.h"
#include "event_stream.h"
#include "feed.h"
#include "http_server.h"
#include "node_routes.h"
#include "origin_client.h"
#include "supervisor_link.h"

namespace headgate::control {
namespace {

struct CommandLine {
  std::string runtime_dir, root, keys, pipelines, pipeline;
  bool routes = false;
};

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine out;
  tools::Options options(
      "", "Tells operators what a node does, and does what they want. Started by `headgate serve`.",
      "Answers on admin.sock of the runtime folder.");
  options.text("runtime-dir", out.runtime_dir, "DIR", "folder of the node's sockets")
      .text("root", out.root, "DIR", "the node's data: events/ is written there")
      .text("keys", out.keys, "DIR", "the node's keys, against which tickets are checked")
      .text("pipelines", out.pipelines, "DIR", "the pipeline descriptions in use")
      .text("pipeline", out.pipeline, "NAME", "the one that sessions run")
      .flag("routes", out.routes, "print what is answered where, and end");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (!out.routes && (out.runtime_dir.empty() || out.root.empty()))
    return Unexpected("--runtime-dir and --root are needed");
  return out;
}

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

gboolean run_loop(gint, GIOCondition, gpointer loop) {
  static_cast<Loop*>(loop)->run_once(0);
  return G_SOURCE_CONTINUE;
}

// base's loop in GLib's.
class LoopSource {
 public:
  explicit LoopSource(Loop& loop) : source_(g_unix_fd_source_new(loop.fd(), G_IO_IN)) {
    g_source_set_callback(source_, G_SOURCE_FUNC(run_loop), &loop, nullptr);
    // No loop runs in one of its callbacks. Did GLib see to that, it would wake itself up twice each time.
    g_source_set_can_recurse(source_, TRUE);
    g_source_attach(source_, nullptr);
  }
  ~LoopSource() {
    g_source_destroy(source_);
    g_source_unref(source_);
  }
  LoopSource(const LoopSource&) = delete;
  LoopSource& operator=(const LoopSource&) = delete;

 private:
  GSource* source_;
};

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) return fail(line.error().message, 2);
  std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> main_loop(g_main_loop_new(nullptr, FALSE),
                                                                     g_main_loop_unref);
  Loop loop;
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal != SIGHUP) g_main_loop_quit(main_loop.get());
  });
  {
    EventLog log(system_clock(), line->root + "/events");
    EventStream events(loop, log);
    Feed feed(loop, system_clock(), line->runtime_dir, log);
    SupervisorLink supervisor(
        loop, -1, [&](const wire::NodeEvent& event) { log.take(event); },
        [&] {
          return JsonLine()
              .field("events", log.last_id())
              .field("listeners", events.listeners())
              .field("sessions", feed.sessions().size())
              .take();
        },
        [&] { g_main_loop_quit(main_loop.get()); });
    OriginClient origin(line->runtime_dir);
    Routes routes;
    add_node_routes(routes, origin, feed, supervisor, events);
    if (line->routes) {
      std::fputs(routes.text().c_str(), stdout);
      return 0;
    }
    log.open();
    auto listener = tools::listen_unix(line->runtime_dir, tools::kAdminSocket);
    if (!listener) return fail(listener.error().message, 1);
    HttpServer admin(loop, *std::move(listener), nullptr,
                     [&](const ExchangePtr& exchange) { routes.answer(exchange); });
    if (auto started = feed.start(); !started) return fail(started.error().message, 1);
    if (auto started = supervisor.listen(line->runtime_dir); !started)
      return fail(started.error().message, 1);
    LoopSource source(loop);
    g_main_loop_run(main_loop.get());
    tools::forget_unix(line->runtime_dir, tools::kAdminSocket);
  }
  // Requests to the origin that were under way are told that they are over.
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  return 0;
}

}  // namespace
}  // namespace headgate::control

int main(int argc, char** argv) {
  headgate::tools::start_log("headgate-control");
  return headgate::control::run(argc, argv);
}
