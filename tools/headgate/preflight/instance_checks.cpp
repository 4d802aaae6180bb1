// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines of the node's own (--instances): each file as the node reads it, and all of them beside each
// other and the node.
#include <common/listeners.h>
#include <common/open_secrets.h>
#include <pipeline/folder.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "../serve/instance_file.h"
#include "checks.h"
#include "instance_claims.h"
#include "pipeline_tool.h"
#include "port_owner.h"

namespace headgate::preflight {
namespace {

constexpr char kCorrect[] = "correct that file (docs/node.md, Pipelines of its own)";

struct Instance {
  std::string name, description;
  InstanceClaims claims;
  bool secret = false;  // something in its file is
};
struct NamedPort {
  std::string who;
  PortClaim port;
};

std::string text_of(const PortClaim& port) {
  return (port.at.host.empty() ? "*:" + std::to_string(port.at.port) : port.at.text()) +
         (port.udp ? " (UDP)" : "");
}

// None: told in `out`.
std::optional<Instance> read(const Context& context, const std::string& name, Outcome& out) {
  const serve::Config& config = context.config;
  const serve::InstanceNode node{config.instances,   config.data,  config.node,
                                 config.runtime_dir, config.event, config.pipelines};
  auto wanted = serve::read_instance(node, name, config.pipelines);
  if (!wanted) {
    out.fail(wanted.error().message, kCorrect);
    return std::nullopt;
  }
  const std::string front = config.instances + "/" + name + serve::kInstanceFileEnd + ": ";
  auto words = serve::check_arguments(*wanted, config.pipelines);
  auto built = pipeline_tool(context, std::move(words.arguments), std::move(words.secret));
  if (!built || built->code() != 0) {
    if (built)
      tell_faults(*built, front, "correct its parameters, or install what is missing", out);
    else
      out.fail(front + built.error().message, "try it by hand: headgate pipeline check");
    return std::nullopt;
  }
  auto file = pipeline::find_file(config.pipelines, wanted->description);
  auto description =
      file ? pipeline::Description::load(*file) : Result<pipeline::Description>(Unexpected(file.error()));
  auto line = description ? description->launch_line(serve::values_to_check(*wanted))
                          : Result<std::string>(Unexpected(description.error()));
  auto claims = line ? claims_of(*line) : Result<InstanceClaims>(Unexpected(line.error()));
  if (!claims) {
    out.fail(front + claims.error().message, kCorrect);
    return std::nullopt;
  }
  if (wanted->trigger == pipeline::Trigger::listen)
    if (auto address = description->listen_address(wanted->values))
      claims->ports.push_back(claim_of(*address, false));
  return Instance{name, wanted->description, *std::move(claims), wanted->secret};
}

void look_at_devices(const Context& context, const Instance& instance, Outcome& out) {
  for (const std::string& device : instance.claims.devices)
    if (const int error = access_as(context.account, device, R_OK | W_OK); error != 0)
      out.fail(instance.name + ": " + device + ": " + std::strerror(error),
               "connect the device, or let the service's account use it (group video)");
}

bool is_the_nodes(const Context& context, const PortClaim& port) {
  return context.node &&
         std::any_of(context.node->processes.begin(), context.node->processes.end(),
                     [&](const auto& process) {
                       return process.first == "pipeline" &&
                              ports_of(context.machine, process.second, port.udp).count(port.at.port) != 0;
                     });
}

// Of a node that runs, a pipeline of its own may have it already.
void look_whether_free(const Context& context, const std::string& who, const PortClaim& port, Outcome& out) {
  if (port.at.port == 0 || port.is_shared() || (!port.at.host.empty() && !is_numeric(port.at.host))) return;
  const std::string address = port.at.host.empty() ? ":" + std::to_string(port.at.port) : port.at.text();
  auto fd = port.udp ? tools::bind_udp(address) : tools::listen_tcp(address);
  if (fd || (fd.error().code == EACCES && port.at.port < 1024) || is_the_nodes(context, port)) return;
  if (fd.error().code != EADDRINUSE) {
    out.fail(who + ": " + fd.error().message, "give an address that this machine has (ip address)");
    return;
  }
  const std::string owner = owner_of_port(context.machine, port.at.port, port.udp);
  if (owner.empty() && context.node) return;  // nobody that we may see: the pipeline itself, as it should be
  out.fail(who + ": " + text_of(port) + " is taken" + (owner.empty() ? "" : " by " + owner),
           "stop that, or give another port");
}

std::vector<NamedPort> ports_of_node(const serve::Config& config) {
  std::vector<NamedPort> out;
  for (const auto& [name, address, udp] :
       {std::tuple("--rtmp", config.rtmp, false), std::tuple("--rtmps", config.rtmps, false),
        std::tuple("--srt", config.srt, true), std::tuple("--http", config.http, false),
        std::tuple("--control", config.control, false)})
    if (!address.empty())
      for (const std::string& one : tools::addresses_of(address)) out.push_back({name, claim_of(one, udp)});
  return out;
}

void hold_against_each_other(const Context& context, const std::vector<Instance>& all, Outcome& out) {
  std::vector<NamedPort> ports = ports_of_node(context.config);
  for (size_t i = 0; i < all.size(); ++i) {
    const Instance& one = all[i];
    for (size_t j = 0; j < i; ++j)
      for (const auto& station : one.claims.stations)
        if (std::find(all[j].claims.stations.begin(), all[j].claims.stations.end(), station) !=
            all[j].claims.stations.end())
          out.fail(all[j].name + " and " + one.name + " are both station " + std::to_string(station.station) +
                       " of event " + std::to_string(station.event),
                   "give each a number of its own: [parameters] station=");
    for (const PortClaim& port : one.claims.ports) {
      const auto other = std::find_if(ports.begin(), ports.end(),
                                      [&](const NamedPort& taken) { return collide(taken.port, port); });
      if (other == ports.end())
        look_whether_free(context, one.name, port, out);
      else
        out.fail(other->who + " and " + one.name + " both want " + text_of(port), "give another port");
      ports.push_back({one.name, port});
    }
  }
}

}  // namespace

Outcome check_instances(Context& context) {
  const std::string& folder = context.config.instances;
  if (folder.empty()) return Outcome::skip("the node runs none (--instances)");
  const serve::InstanceNames names = serve::instance_names(folder);
  Outcome out;
  if (!names.problem.empty()) out.fail(names.problem, "correct that folder, or --instances");
  std::vector<Instance> all;
  for (const std::string& name : names.names) {
    context.progress("building " + name);
    auto instance = read(context, name, out);
    if (!instance) continue;
    look_at_devices(context, *instance, out);
    const std::string file = folder + "/" + name + serve::kInstanceFileEnd;
    if (instance->secret && tools::everybody_reads(file))
      out.warn("everybody on this machine may read " + file + ", and secrets are in it", "chmod o= " + file);
    all.push_back(*std::move(instance));
  }
  hold_against_each_other(context, all, out);
  out.measured = std::to_string(names.names.size()) + " in " + folder;
  for (const Instance& one : all)
    out.measured += (&one == &all.front() ? ": " : ", ") + one.name + " (" + one.description + ")";
  return out;
}

}  // namespace headgate::preflight
