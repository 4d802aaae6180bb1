// SPDX-License-Identifier: LGPL-2.1-or-later
// What the supervisor starts, and what it says of the node.
#include <base/json_line.h>
#include <common/log.h>
#include <common/siblings.h>
#include <common/utc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "supervisor.h"

namespace headgate::serve {

Program Supervisor::helper_program(const std::string& name, Words words) const {
  Program out;
  auto path = tools::find_program(name);
  // An empty path cannot be executed either; the log has where was looked.
  if (path)
    out.path = *path;
  else
    tools::log_error(path.error().message);
  give(out, std::move(words));
  return out;
}

// One of the node's own: workers need not look at every plugin of the machine again.
void Supervisor::give_registry(Program& program) const {
  if (!std::getenv("GST_REGISTRY"))
    program.environment.push_back("GST_REGISTRY=" + config_.runtime_dir + "/gst-registry.bin");
}

Program Supervisor::program_of(const std::string& role, int number) const {
  if (role.starts_with(kInstanceFront)) {
    Program out = helper_program("headgate-pipeline",
                                 instances_.words(role.substr(std::string_view(kInstanceFront).size())));
    give_registry(out);
    return out;
  }
  std::vector<std::string> arguments{"--runtime-dir", config_.runtime_dir}, secret;
  auto add = [&](const char* option, const std::string& value) {
    arguments.push_back(std::string("--") + option);
    arguments.push_back(value);
  };
  if (role == "gate") {
    add("keys", config_.keys);
    add("srt-latency", std::to_string(config_.srt_latency_ms));
    for (const auto& [option, value] :
         {std::pair("tls-cert", config_.tls_certificate), std::pair("tls-key", config_.tls_key),
          std::pair("rtmp-proxies", config_.rtmp_proxies), std::pair("rtmps-proxies", config_.rtmps_proxies),
          std::pair("endpoints", config_.endpoints), std::pair("addresses", config_.addresses),
          std::pair("revoked", config_.revoked)})
      if (!value.empty()) add(option, value);
  } else {
    add("root", config_.data);
  }
  if (role == "origin") {
    add("event", std::to_string(config_.event));
    // What is listed is held.
    add("window", std::to_string(std::max(config_.window_s, config_.playlist_s)));
    add("playlist", std::to_string(config_.playlist_s));
    add("grace", std::to_string(config_.grace_s));
    add("rung-mpixels", std::to_string(config_.rung_mpixels));
    add("rungs-per-worker", std::to_string(config_.rungs_per_worker));
    add("max-connections", std::to_string(config_.max_connections));
    add("max-connections-per-address", std::to_string(config_.max_connections_per_address));
  }
  if (role == "worker") {
    add("id", std::to_string(number));
    add("event", std::to_string(config_.event));
    add("node", config_.node);
    add("capacity", std::to_string(config_.capacity));
    add("grace", std::to_string(config_.grace_s));
    add("max-rungs", std::to_string(config_.rungs_per_worker));
    add("pipeline", config_.pipeline);
    add("pipelines", descriptions_.descriptions().in_use());
    for (const std::string& parameter : config_.parameters) secret.push_back("--set=" + parameter);
  }
  if (role == "gate" && draining_.on()) arguments.emplace_back("--draining");
  if (role == "control") {
    add("keys", config_.keys);
    add("pipelines", descriptions_.descriptions().in_use());
    add("pipeline", config_.pipeline);
    if (!config_.revoked.empty()) add("revoked", config_.revoked);
    if (config_.metrics_per_stream != 0) arguments.emplace_back("--metrics-per-stream");
    if (!config_.control_tokens.empty()) add("tokens", config_.control_tokens);
    for (const std::string& url : config_.webhooks) secret.push_back("--webhook=" + url);
    if (!config_.webhook_secret.empty()) add("webhook-secret", config_.webhook_secret);
    add("webhook-severity", config_.webhook_severity);
  }
  Program out = helper_program("headgate-" + role, {std::move(arguments), std::move(secret)});
  std::vector<std::string> names;
  if (role == "gate") names = {"rtmp", "rtmps", "srt", kKeysMemory};
  if (role == "origin") names = {"http"};
  if (role == "control") names = {"control"};
  for (const std::string& name : names)
    for (int fd : listeners_.fds(name)) {
      out.listeners.push_back(fd);
      out.listener_names.push_back(name);
    }
  if (role == "worker") give_registry(out);
  return out;
}

RunningNode Supervisor::runs() const {
  RunningNode out{config_.data, config_.runtime_dir, config_.node, config_.event, {}};
  for (const auto& [name, setting] : listeners_in(config_))
    if (const std::string bound = listeners_.address(name); !bound.empty()) out.listens[name] = bound;
  return out;
}

// Those that the settings have no more are closed; the processes that have them, too, are replaced.
Result<void> Supervisor::open_listeners() {
  for (const auto& [name, setting] : listeners_in(config_)) {
    const std::string bound = listeners_.address(name);
    if (setting.empty() && listeners_.close(name)) {
      srt_closed_ = srt_closed_ || name == "srt";
      tools::log_notice("no longer listens on " + bound, {{"NAME", name}});
      events_.add(
          "listener.closed", Severity::info,
          {{kEventText, "the node no longer listens on " + bound}, {"name", name}, {"address", bound}});
    }
    const auto kind = name == "srt" ? NodeListeners::Kind::kUdp : NodeListeners::Kind::kTcp;
    auto opened = listeners_.open_missing(name, setting, kind);
    if (!opened && !succession_.succeeds()) return opened;
    if (opened) continue;
    // The trial could open it: who runs does not end over it.
    tools::log_error(opened.error().message);
    events_.add("listener.failed", Severity::error,
                {{kEventText, opened.error().message}, {"name", name}, {"address", setting}});
  }
  return {};
}

std::string Supervisor::node_json() const {
  auto process = [](const std::string& role, int pid, int64_t since_utc_us, int64_t restarts, bool retiring,
                    const std::string& protocol, const std::string& instance) {
    JsonLine out;
    if (!instance.empty()) out.field("instance", instance);
    out.field("role", instance.empty() ? role : "pipeline")
        .field("pid", pid)
        .field("since_utc", tools::utc_text(since_utc_us))
        .field("restarts", restarts);
    if (retiring) out.field("retiring", true);
    if (!protocol.empty()) out.field("protocol", protocol);
    return out.take();
  };
  std::string processes = "[" + process("supervisor", ::getpid(), since_utc_us_, 0, false, "", "");
  children_.each([&](const Child& child) {
    if (child.running())
      processes += "," + process(child.place().role, child.pid(), child.since_utc_us(), child.restarts(),
                                 child.retiring(), child.protocol(), instance_of(child));
  });
  JsonLine listen;
  for (const char* name : {"http", "rtmp", "rtmps", "srt", "control"})
    if (const std::string address = listeners_.address(name); !address.empty()) listen.field(name, address);
  return JsonLine()
      .field("version", HEADGATE_VERSION)
      .field("since_utc", tools::utc_text(since_utc_us_))
      .field("data", config_.data)
      .raw("listen", listen.take())
      .raw("processes", processes + "]")
      .raw("recovery", recovery_.json())
      .raw("pipelines", descriptions_.json())
      .raw("instances", instances_.json())
      .raw("clock", policy_.clock_json())
      .raw("capacity", policy_.capacity_json())
      .raw("quarantine", policy_.quarantine_json())
      .raw("apart", policy_.apart_json())
      .raw("alarms", policy_.alarms_json())
      .raw("draining", draining_.json())
      .raw("upgrade", upgrade_.report().json())
      .raw("keys", gate_keys_.json())
      .field("issuer_secret", config_.issuer_secret)
      .take();
}

}  // namespace headgate::serve
