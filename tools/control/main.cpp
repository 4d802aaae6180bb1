// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-control: what operators and their programs ask and tell a node (docs/api.md, "Control").
#include <common/listeners.h>
#include <common/log.h>
#include <common/options.h>
#include <common/unix_listener.h>
#include <fcntl.h>
#include <ticket/revoked.h>

#include <base/json_line.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "event_log.h"
#include "event_stream.h"
#include "feed.h"
#include "http_server.h"
#include "loop_source.h"
#include "metrics_route.h"
#include "node_routes.h"
#include "operate_routes.h"
#include "origin_client.h"
#include "pipeline_routes.h"
#include "supervisor_link.h"
#include "ticket_routes.h"
#include "webhook_set.h"

namespace headgate::control {
namespace {

struct CommandLine {
  std::string runtime_dir, root, keys, revoked, pipelines, pipeline, tokens;
  std::vector<std::string> webhooks;
  std::string webhook_secret, webhook_severity = kWarning;
  bool check = false, test_webhooks = false;
  bool routes = false, metrics_per_stream = false;
};

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine out;
  tools::Options options(
      "", "Tells operators what a node does, and does what they want. Started by `headgate serve`.",
      "Answers on admin.sock of the runtime folder, and bearers of a token on the inherited listener "
      "\"control\" (LISTEN_FDS). SIGHUP reads the tokens and the webhooks' secret again.");
  options.text("runtime-dir", out.runtime_dir, "DIR", "folder of the node's sockets")
      .text("root", out.root, "DIR", "the node's data: events/ is written there")
      .text("keys", out.keys, "DIR", "the node's keys, against which tickets are checked")
      .text("revoked", out.revoked, "FILE", "tickets that were withdrawn (default none)")
      .text("pipelines", out.pipelines, "DIR", "the pipeline descriptions in use")
      .text("pipeline", out.pipeline, "NAME", "the one that sessions run")
      .text("tokens", out.tokens, "FILE", "who may ask over TCP: lines of NAME ROLE SHA256-OF-TOKEN")
      .list("webhook", out.webhooks, "URL", "events are sent there; may be repeated")
      .arguments_from()
      .text("webhook-secret", out.webhook_secret, "FILE", "what they are signed with")
      .text("webhook-severity", out.webhook_severity, "S", "from which on: info, warning (default), error")
      .flag("check", out.check, "read tokens and secret, and end")
      .flag("test-webhooks", out.test_webhooks,
            "send each an event, print what came of it, and end: 0, all took it")
      .flag("metrics-per-stream", out.metrics_per_stream, "/metrics has samples for each station, too")
      .flag("routes", out.routes, "print what is answered where, and end");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (severity_rank(out.webhook_severity) < 0)
    return Unexpected("--webhook-severity: info, warning or error");
  if (out.webhooks.size() > kMaxWebhooks)
    return Unexpected("at most " + std::to_string(kMaxWebhooks) + " webhooks");
  if (!out.webhooks.empty() && out.webhook_secret.empty())
    return Unexpected("--webhook needs --webhook-secret");
  for (const std::string& url : out.webhooks)
    if (auto right = tools::check_http_address(url); !right)
      return Unexpected("--webhook: " + right.error().message);
  if (out.test_webhooks && out.webhooks.empty()) return Unexpected("--test-webhooks needs --webhook");
  if (!out.routes && !out.test_webhooks && (out.runtime_dir.empty() || out.root.empty()))
    return Unexpected("--runtime-dir and --root are needed");
  return out;
}

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

// --check and --test-webhooks, when the tokens are right.
int check_or_test(const CommandLine& line) {
  if (line.webhooks.empty()) return 0;
  auto secret = load_secret(line.webhook_secret);
  if (!secret) return fail(secret.error().message, 1);
  if (line.check) return 0;
  const WebhookTest test = test_webhooks(system_clock(), line.webhooks, *secret);
  std::puts(test.json.c_str());
  return test.all_taken ? 0 : 1;
}

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) return fail(line.error().message, 2);
  std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> main_loop(g_main_loop_new(nullptr, FALSE),
                                                                     g_main_loop_unref);
  Door door(system_clock());
  auto load_tokens = [&]() -> Result<void> {
    return line->tokens.empty() ? Result<void>() : door.load(line->tokens);
  };
  if (auto loaded = load_tokens(); !loaded) {
    // A node that runs is not to lose its control over a file: then nobody has a token.
    if (line->check) return fail(loaded.error().message, 1);
    tools::log_error(loaded.error().message);
  }
  if (line->check || line->test_webhooks) return check_or_test(*line);
  Loop loop;
  std::function<void()> on_hang_up;
  const auto quit = [&] { g_main_loop_quit(main_loop.get()); };
  std::function<void()> end = quit;
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
    if (signal != SIGHUP) return end();
    if (on_hang_up) on_hang_up();
  });
  auto listeners = tools::take_inherited_listeners();
  UniqueFd tcp;
  if (auto control = listeners.find("control"); control != listeners.end()) tcp = std::move(control->second);
  {
    EventLog log(system_clock(), line->root + "/events");
    EventStream events(loop, log);
    Feed feed(loop, system_clock(), line->runtime_dir, log);
    WebhookSet webhooks(loop, system_clock(), log, line->webhooks, line->webhook_secret,
                        severity_rank(line->webhook_severity));
    end = [&] { webhooks.end(quit); };
    SupervisorLink supervisor(
        loop, tcp.get(), [&](const wire::NodeEvent& event) { log.take(event); },
        [&] {
          return JsonLine()
              .raw("webhooks", webhooks.json())
              .field("events", log.last_id())
              .field("listeners", events.listeners())
              .field("sessions", feed.sessions().size())
              .take();
        },
        [&] { end(); });
    OriginClient origin(line->runtime_dir);
    Routes routes;
    add_node_routes(routes, origin, feed, supervisor, events);
    MetricsRoute metrics(origin, supervisor, log, line->metrics_per_stream);
    metrics.add_to(routes);
    add_operate_routes(routes, feed, supervisor);
    add_pipeline_routes(routes, line->pipelines, line->pipeline);
    TicketKeys keys(line->keys, line->revoked, line->runtime_dir + "/" + ticket::kRevokedKept);
    add_ticket_routes(routes, keys, system_clock(), feed);
    if (line->routes) {
      std::fputs(routes.text().c_str(), stdout);
      return 0;
    }
    log.open();
    webhooks.load();
    auto listener = tools::listen_unix(line->runtime_dir, tools::kAdminSocket);
    if (!listener) return fail(listener.error().message, 1);
    HttpServer admin(loop, system_clock(), *std::move(listener), nullptr,
                     [&](const ExchangePtr& exchange) { routes.answer(exchange); });
    std::unique_ptr<HttpServer> remote;
    if (tcp) {
      if (auto address = tools::bound_address(tcp.get()))
        tools::log_info("control answers " + std::to_string(door.tokens()) + " tokens on " + *address);
      UniqueFd own(::fcntl(tcp.get(), F_DUPFD_CLOEXEC, 0));
      remote = std::make_unique<HttpServer>(loop, system_clock(), std::move(own), &door,
                                            [&](const ExchangePtr& exchange) { routes.answer(exchange); });
    }
    on_hang_up = [&] {
      webhooks.load();
      if (auto loaded = load_tokens(); !loaded)
        return tools::log_error("the tokens stay as they were: " + loaded.error().message);
      if (!remote) return;
      events.recheck([&](const std::string& token) { return door.knows(token); });
      remote->recheck();
    };
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
