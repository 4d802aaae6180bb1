// SPDX-License-Identifier: LGPL-2.1-or-later
// Tickets that are to be used on the day, held against this node: its keys, the day, its ports, its pipeline.
#include <common/listeners.h>
#include <ticket/keys.h>
#include <ticket/revoked.h>
#include <ticket/verifier.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "../time_argument.h"
#include "address.h"
#include "checks.h"
#include "ticket_files.h"

namespace headgate::preflight {
namespace {

using ticket::Protocol;
using ticket::Ticket;

constexpr size_t kMaxTold = 8;  // tickets with a fault that are named
constexpr int64_t kDaySeconds = 24 * 3600;
constexpr size_t kMaxLookUps = 4;  // names that the resolver is asked for

// Of all tickets, each kind of fault with who has it.
class Faults {
 public:
  void add(Level level, const std::string& who, const std::string& what, const std::string& to_do) {
    ++count_;
    if (told_.size() < kMaxTold) told_.push_back({level, who + ": " + what, to_do});
    if (level == Level::fail) worst_ = level;
  }
  void tell(Outcome& out) {
    for (Finding& one : told_) out.findings.push_back(std::move(one));
    if (count_ > told_.size())
      out.findings.push_back(
          {worst_, "and " + std::to_string(count_ - told_.size()) + " faults more", "mend these first"});
  }

 private:
  std::vector<Finding> told_;
  size_t count_ = 0;
  Level worst_ = Level::warn;
};

// Whether endpoints are ports of this node.
class OwnPorts {
 public:
  explicit OwnPorts(const Context& context) : own_(own_addresses()) {
    if (auto named = parse_endpoints(context.config.endpoints)) named_ = *named;
    const serve::Config& config = context.config;
    for (const auto& [protocol, name, address] : {std::tuple(Protocol::kRtmp, "rtmp", config.rtmp),
                                                  std::tuple(Protocol::kRtmps, "rtmps", config.rtmps),
                                                  std::tuple(Protocol::kSrt, "srt", config.srt)}) {
      const bool runs = context.node && context.node->listen.count(name) != 0;
      for (const std::string& one : tools::addresses_of(runs ? context.node->listen.at(name) : address))
        if (auto port = parse_host_port(one)) ports_.insert({protocol, port->port});
    }
  }
  bool listens(Protocol protocol) const {
    return std::any_of(ports_.begin(), ports_.end(), [&](const auto& one) { return one.first == protocol; });
  }
  bool has(const ticket::Endpoint& endpoint) {
    for (const HostPort& one : named_)
      if (one.port == endpoint.port && one.host == endpoint.host) return true;
    return ports_.count({endpoint.protocol, endpoint.port}) != 0 && is_here(endpoint.host);
  }

 private:
  bool is_here(const std::string& host) {
    const auto known = here_.find(host);
    if (known != here_.end()) return known->second;
    auto addresses = is_numeric(host) || look_ups_++ < kMaxLookUps
                         ? addresses_of_host(host)
                         : Result<std::vector<std::string>>(Unexpected(""));
    bool here = false;
    for (const std::string& address : addresses ? *addresses : std::vector<std::string>())
      here = here || std::find(own_.begin(), own_.end(), address) != own_.end();
    return here_[host] = here;
  }

  std::vector<std::string> own_;
  std::vector<HostPort> named_;
  std::set<std::pair<Protocol, int>> ports_;
  std::map<std::string, bool> here_;
  size_t look_ups_ = 0;
};

void look_at_dates(const Context& context, const Ticket& ticket, const std::string& who, Faults& faults) {
  const int64_t now = context.machine.utc_s();
  const Plan& plan = context.plan;
  if (now > ticket.expires)
    faults.add(Level::fail, who, "its time is over since " + cli::utc_text(ticket.expires),
               "issue another one");
  else if (ticket.not_before > plan.begins)
    faults.add(
        Level::fail, who,
        "it begins on " + cli::utc_text(ticket.not_before) + ", the day on " + cli::utc_text(plan.begins),
        "issue another one, or correct --from");
  else if (ticket.expires < plan.ends())
    faults.add(Level::fail, who,
               "it ends on " + cli::utc_text(ticket.expires) + ", the day on " + cli::utc_text(plan.ends()),
               "issue another one (--until)");
  else if (plan.hours == 0 && ticket.expires < plan.begins + kDaySeconds)
    faults.add(Level::warn, who, "it ends on " + cli::utc_text(ticket.expires) + ", within a day",
               "say with --hours how long the day is; issue another one (--until)");
  if ((ticket.flags & ticket::kFlagRehearsal) != 0)
    faults.add(Level::warn, who, "it is for rehearsals", "issue one for the day");
}

void look_at_limits(const Context& context, const Ticket& ticket, const std::string& who, Faults& faults) {
  if (ticket.max_kbps != 0 && context.plan.kbps > ticket.max_kbps)
    faults.add(Level::fail, who,
               "it allows " + std::to_string(ticket.max_kbps) + " kbit/s, the plan has " +
                   std::to_string(context.plan.kbps) + ": publishers are put out after a minute",
               "issue another one (--max-kbps), or set the apps to less");
  constexpr uint16_t kVideo = ticket::kH264 | ticket::kH265 | ticket::kAv1;
  if (ticket.codecs != 0 && (ticket.codecs & kVideo) == 0)
    faults.add(Level::warn, who, "it allows no video", "right for sound alone; otherwise issue another one");
  constexpr struct {
    uint16_t bit;
    const char* name;
  } kCodecs[] = {{ticket::kH264, "H.264"},
                 {ticket::kH265, "H.265"},
                 {ticket::kAv1, "AV1"},
                 {ticket::kAac, "AAC"},
                 {ticket::kOpus, "Opus"}};
  for (const auto& codec : kCodecs)
    if (context.ladder && (ticket.codecs & codec.bit) != 0 && context.decoders.count(codec.name) == 0)
      faults.add(Level::warn, who,
                 std::string("it allows ") + codec.name +
                     ", which no element here decodes: no "
                     "renditions of such a stream",
                 "apt install gstreamer1.0-libav");
}

void look_at_ports(const Ticket& ticket, const GivenTicket& given, OwnPorts& own, const std::string& who,
                   Faults& faults) {
  if (!given.endpoints.empty() && std::none_of(given.endpoints.begin(), given.endpoints.end(),
                                               [&](const auto& one) { return own.has(one); }))
    faults.add(Level::warn, who, "none of its endpoints is a port of this node",
               "right if it is for other nodes; otherwise --endpoints names those of this one");
  const bool challenge = (ticket.flags & ticket::kFlagChallengePlain) != 0;
  if (!challenge && !own.listens(Protocol::kRtmps) && !own.listens(Protocol::kSrt))
    faults.add(Level::fail, who, "it does not allow RTMP without TLS, and this node has nothing else",
               "listen with --rtmps or --srt");
}

// A list that cannot be read is `addresses`' to tell.
std::set<ticket::TicketId> revoked_tickets(const std::string& path) {
  if (path.empty()) return {};
  auto list = ticket::load_revoked(path);
  return list ? *std::move(list) : std::set<ticket::TicketId>();
}

}  // namespace

Outcome check_tickets(Context& context) {
  if (context.tickets.empty()) return Outcome::skip("none given (--tickets FOLDER|FILE)");
  auto keys = ticket::load_node_keys(context.config.keys);
  if (!keys) return Outcome().fail(keys.error().message, "see `keys`");
  auto fleet = ticket::load_fleet_keys(context.issuer.empty() ? context.config.keys : context.issuer);
  auto given = read_tickets(context.tickets, fleet ? *fleet : ticket::FleetKeys());
  if (!given)
    return Outcome().fail(given.error().message, "give the files of `headgate ticket issue --format json`");
  const ticket::Verifier verifier(std::move(*keys));
  OwnPorts own(context);
  const auto revoked = revoked_tickets(context.config.revoked);
  Faults faults;
  std::set<uint32_t> stations;
  for (const GivenTicket& one : *given) {
    if (!one.fault.empty()) {
      faults.add(Level::fail, one.place, one.fault, "give it as it was issued");
      continue;
    }
    auto parsed = ticket::parse_wire(one.wire);
    // Its dates are held against the day, below.
    auto good = parsed ? verifier.verify(one.wire, parsed->not_before) : parsed;
    if (!good) {
      faults.add(Level::fail, one.place, good.error().message, "issue it with the keys of this node's event");
      continue;
    }
    const std::string who = one.place + ", station " + std::to_string(good->station);
    stations.insert(good->station);
    if (!verifier.seed_of(*good)) {
      faults.add(Level::fail, who, "this node has no master key " + std::to_string(good->kid), "see `keys`");
      continue;
    }
    if (revoked.contains(good->tid))
      faults.add(Level::fail, who, "it is revoked (" + context.config.revoked + ")",
                 "issue another one, or take it from the list");
    look_at_dates(context, *good, who, faults);
    look_at_limits(context, *good, who, faults);
    look_at_ports(*good, one, own, who, faults);
  }
  Outcome out;
  out.measured = "tickets: " + std::to_string(given->size()) +
                 ", stations: " + std::to_string(stations.size()) + ", of event " +
                 std::to_string(verifier.event());
  faults.tell(out);
  if (context.plan.any() && static_cast<int64_t>(stations.size()) > context.plan.streams)
    out.warn("there are tickets for " + std::to_string(stations.size()) + " stations, and the plan has " +
                 std::to_string(context.plan.streams) + " streams",
             "correct --streams, if they are all for this node");
  return out;
}

}  // namespace headgate::preflight
