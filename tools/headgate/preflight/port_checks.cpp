// SPDX-License-Identifier: LGPL-2.1-or-later
// Ports: free for a node that does not run, answering where one does; and names that lead to them.
#include <common/listeners.h>

#include <algorithm>
#include <cerrno>

#include "address.h"
#include "checks.h"
#include "port_owner.h"

namespace headgate::preflight {
namespace {

constexpr int kConnectMs = 3000;
constexpr size_t kMaxNames = 4;  // that the resolver is asked for

struct Port {
  const char* name;
  const std::string& address;  // as in the settings
  bool udp;
};

void look_whether_free(const Context& context, const Port& port, Outcome& out) {
  for (const std::string& address : tools::addresses_of(port.address)) {
    const std::string option = "--" + std::string(port.name) + " " + address;
    auto where = parse_host_port(address);
    if (!where) {
      out.fail(option + ": " + where.error().message, "give HOST:PORT with a numeric host");
      continue;
    }
    auto fd = port.udp ? tools::bind_udp(address) : tools::listen_tcp(address);
    if (fd) continue;
    if (fd.error().code == EADDRINUSE) {
      const std::string who = owner_of_port(context.machine, where->port, port.udp);
      out.fail(option + " is taken" + (who.empty() ? "" : " by " + who), "stop that, or give another port");
    } else if (fd.error().code == EACCES && where->port < 1024) {
      out.warn(option + ": " + fd.error().message,
               "run preflight as root; the service may use ports below 1024 (CAP_NET_BIND_SERVICE)");
    } else {
      out.fail(option + ": " + fd.error().message, "give an address that this machine has (ip address)");
    }
  }
}

void look_whether_ours(const Context& context, const Port& port, Outcome& out) {
  const auto listening = context.node->listen.find(port.name);
  if (listening == context.node->listen.end()) {
    out.fail("the node does not listen on --" + std::string(port.name) + " " + port.address,
             "restart it: it runs with other settings");
    return;
  }
  for (const std::string& address : tools::addresses_of(listening->second)) {
    auto where = parse_host_port(address);
    if (!where || port.udp) continue;  // SRT is the synthetic publisher's to try
    if (auto connected = try_connect(reachable(*where), kConnectMs); !connected)
      out.fail("--" + std::string(port.name) + ": " + connected.error().message,
               "look into the log (journalctl -u headgate) and the firewall");
  }
  const auto wanted = tools::addresses_of(port.address), there = tools::addresses_of(listening->second);
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto a = parse_host_port(wanted[i]);
    auto b = i < there.size() ? parse_host_port(there[i]) : a;
    if (a && b && (i >= there.size() || (a->port != 0 && a->port != b->port)))
      out.fail("the node listens on " + listening->second + ", the settings say --" + std::string(port.name) +
                   " " + port.address,
               "restart it: it runs with other settings");
  }
}

// Names that publishers are told: they lead here, unless something stands in between.
void look_at_names(const Context& context, Outcome& out) {
  auto endpoints = parse_endpoints(context.config.endpoints);
  if (!endpoints) {
    out.fail("--endpoints: " + endpoints.error().message, "give HOST:PORT[,...]");
    return;
  }
  std::vector<std::string> names;
  for (const HostPort& one : *endpoints)
    if (!is_numeric(one.host) && std::find(names.begin(), names.end(), one.host) == names.end())
      names.push_back(one.host);
  if (names.size() > kMaxNames) names.resize(kMaxNames);
  const auto own = own_addresses();
  for (const std::string& name : names) {
    auto found = addresses_of_host(name);
    if (!found)
      out.warn("--endpoints: " + found.error().message, "publishers need that name: ask who keeps the DNS");
    else if (std::none_of(found->begin(), found->end(), [&](const std::string& address) {
               return std::find(own.begin(), own.end(), address) != own.end();
             }))
      out.warn("--endpoints: " + name + " is " + found->front() + ", which is no address of this machine",
               "right behind NAT or a proxy; otherwise mend the DNS");
  }
}

}  // namespace

Outcome check_ports(Context& context) {
  const serve::Config& config = context.config;
  Outcome out;
  for (const Port& port :
       {Port{"rtmp", config.rtmp, false}, Port{"rtmps", config.rtmps, false}, Port{"srt", config.srt, true},
        Port{"http", config.http, false}, Port{"control", config.control, false}}) {
    if (port.address.empty()) continue;
    out.measured +=
        (out.measured.empty() ? "" : ", ") + std::string(port.name) + " " +
        (context.node && context.node->listen.count(port.name) ? context.node->listen.at(port.name)
                                                               : port.address);
    if (context.node)
      look_whether_ours(context, port, out);
    else
      look_whether_free(context, port, out);
  }
  out.measured += context.node ? " (the node's)" : out.level() == Level::pass ? " (free)" : "";
  if (!config.endpoints.empty()) look_at_names(context, out);
  return out;
}

}  // namespace headgate::preflight
