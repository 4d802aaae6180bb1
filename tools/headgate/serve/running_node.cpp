// SPDX-License-Identifier: LGPL-2.1-or-later
#include "running_node.h"

#include <common/listeners.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "listeners.h"

namespace headgate::serve {
namespace {

constexpr char kVariable[] = "HEADGATE_RUNS";
constexpr std::string_view kListens = "listens-";

struct HostPort {
  std::string host;
  int port = -1;
  auto operator<=>(const HostPort&) const = default;
};

HostPort split(const std::string& address) {
  const size_t colon = address.rfind(':');
  HostPort out{address.substr(0, colon), -1};
  if (colon != address.npos)
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), out.port);
  return out;
}

// As the kernel writes it: "*" and "" are 0.0.0.0 or [::].
std::string host_as_bound(const std::string& host) {
  const auto fd = tools::bind_udp(host + ":0");
  const auto bound = fd ? tools::bound_address(fd->get()) : Result<std::string>(Unexpected(fd.error()));
  return bound ? split(*bound).host : "";
}

void add_difference(std::vector<std::string>& out, const std::string& option, const std::string& runs,
                    const std::string& set) {
  if (runs != set)
    out.push_back("--" + option + " is " + set + ", and the node runs with " + runs +
                  ": that needs a restart (systemctl restart headgate)");
}

}  // namespace

std::map<std::string, std::string> listeners_in(const Config& config) {
  return {{"rtmp", config.rtmp},
          {"rtmps", config.rtmps},
          {"srt", config.srt},
          {"http", config.http},
          {"control", config.control}};
}

std::string variable_of(const RunningNode& node) {
  std::string out = std::string(kVariable) + "=data=" + node.data + "\nruntime-dir=" + node.runtime_dir +
                    "\nnode=" + node.node + "\nevent=" + std::to_string(node.event) +
                    "\ntrial-ms=" + std::to_string(node.trial_ms);
  for (const auto& [option, bound] : node.listens) out += "\n" + std::string(kListens) + option + "=" + bound;
  return out;
}

std::optional<RunningNode> take_running_node() {
  const char* text = std::getenv(kVariable);
  if (!text) return std::nullopt;
  RunningNode out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t equals = line.find('=');
    if (equals == line.npos) continue;
    const std::string name = line.substr(0, equals), value = line.substr(equals + 1);
    if (name == "data")
      out.data = value;
    else if (name == "runtime-dir")
      out.runtime_dir = value;
    else if (name == "node")
      out.node = value;
    else if (name == "event")
      std::from_chars(value.data(), value.data() + value.size(), out.event);
    else if (name == "trial-ms")
      std::from_chars(value.data(), value.data() + value.size(), out.trial_ms);
    else if (name.starts_with(kListens))
      out.listens[name.substr(kListens.size())] = value;
  }
  ::unsetenv(kVariable);
  return out;
}

bool is_listening_as(const std::string& bound, const std::string& setting) {
  std::vector<HostPort> have, any_port;
  for (const std::string& address : tools::addresses_of(bound)) have.push_back(split(address));
  for (const std::string& address : tools::addresses_of(setting)) {
    HostPort wanted = split(address);
    wanted.host = host_as_bound(wanted.host);
    if (wanted.port == 0) {
      any_port.push_back(wanted);
      continue;
    }
    const auto found = std::find(have.begin(), have.end(), wanted);
    if (found == have.end()) return false;
    have.erase(found);
  }
  for (const HostPort& wanted : any_port) {
    const auto found =
        std::find_if(have.begin(), have.end(), [&](const HostPort& one) { return one.host == wanted.host; });
    if (found == have.end()) return false;
    have.erase(found);
  }
  return have.empty();
}

std::vector<std::string> not_while_it_runs(const RunningNode& node, const Config& config) {
  std::vector<std::string> out;
  add_difference(out, "data", node.data, config.data);
  add_difference(out, "runtime-dir", node.runtime_dir, config.runtime_dir);
  add_difference(out, "node", node.node, config.node);
  if (node.event != config.event)
    out.push_back("--keys " + config.keys + " are of event " + std::to_string(config.event) +
                  ", and the node runs with those of event " + std::to_string(node.event) +
                  ": that needs a restart (systemctl restart headgate)");
  for (const auto& [option, setting] : listeners_in(config)) {
    const auto bound = node.listens.find(option);
    if (setting.empty()) continue;  // it is closed
    if (bound == node.listens.end()) {
      NodeListeners tried;
      const auto kind = option == "srt" ? NodeListeners::Kind::kUdp : NodeListeners::Kind::kTcp;
      if (auto opened = tried.open_missing(option, setting, kind); !opened)
        out.push_back(opened.error().message);
    } else if (!is_listening_as(bound->second, setting)) {
      add_difference(out, option, bound->second, setting);
    }
  }
  return out;
}

}  // namespace headgate::serve
