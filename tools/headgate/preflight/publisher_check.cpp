// SPDX-License-Identifier: LGPL-2.1-or-later
// A synthetic publisher through everything: a ticket, ffmpeg over each protocol, page, playlists and a
// decoded segment, and what lies in the archive afterwards.
#include <base/encoding.h>
#include <base/io.h>
#include <common/siblings.h>
#include <fcntl.h>
#include <poll.h>
#include <ticket/keys.h>
#include <ticket/verifier.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include <base/clock.h>

#include "../ticket.h"
#include "address.h"
#include "checks.h"
#include "our_runs.h"
#include "private_node.h"
#include "published_stream.h"
#include "ticket_files.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

// Of nobody's; `headgate ticket issue` takes it as it takes any other.
constexpr uint32_t kTestStation = UINT32_MAX;
constexpr int64_t kTicketSeconds = 3600, kTicketEarly = 60;
constexpr int64_t kClipMs = 60'000;
constexpr int64_t kRemoveMs = 10'000, kLookMs = 100;
constexpr char kClipSeconds[] = "8";

Result<std::string> make_clip(const Context& context, const Scratch& scratch) {
  context.progress("making a clip");
  auto headgate = tools::find_program("headgate");
  if (!headgate) return Unexpected(headgate.error());
  const std::string path = scratch.path() + "/clip.flv";
  auto made =
      run_program({.words = {*headgate, "load", "clip", "--low-rate", "--seconds", kClipSeconds, path},
                   .account = context.account},
                  kClipMs);
  if (!made) return Unexpected(made.error());
  if (made->code() != 0) return Unexpected(made->last_error());
  return path;
}

Result<ticket::Issued> issue(const std::string& folder) {
  auto keys = ticket::load_issuer_keys(folder, std::nullopt, false);
  if (!keys) return Unexpected(keys.error());
  ticket::Issuer issuer(*keys);
  ticket::IssueRequest request;
  request.tid = ticket::new_ticket_id();
  request.station = kTestStation;
  request.not_before = system_clock().utc_seconds() - kTicketEarly;
  request.expires = request.not_before + kTicketSeconds;
  request.flags |= ticket::kFlagBearerOverTls | ticket::kFlagRehearsal;
  return issuer.issue(request);
}

// The secret is the node's to derive.
Result<ticket::Issued> given_ticket(const Context& context) {
  auto keys = ticket::load_node_keys(context.config.keys);
  if (!keys) return Unexpected(keys.error());
  std::string text = context.test_ticket;
  std::error_code error;
  if (fs::is_regular_file(text, error)) {
    auto bytes = read_file(text, kMaxTicketFile);
    if (!bytes) return Unexpected(bytes.error());
    text = as_text(*bytes);
    text.erase(text.find_last_not_of(" \r\n") + 1);
  }
  const GivenTicket given = read_ticket(text, "--test-ticket", {});
  if (!given.fault.empty()) return Unexpected("--test-ticket: " + given.fault);
  const ticket::Verifier verifier(std::move(*keys));
  auto good = verifier.verify(given.wire, system_clock().utc_seconds());
  if (!good) return Unexpected("--test-ticket: " + good.error().message);
  auto seed = verifier.seed_of(*good);
  if (!seed) return Unexpected("--test-ticket: this node has no master key for it");
  return ticket::Issued{*good, *seed, {}};
}

// Where is published to, with what right, and where that is archived.
struct Stage {
  std::optional<PrivateNode> node;  // none: the one that runs
  ticket::Issued issued;
  std::map<std::string, std::string> listen;
  std::string root;
  std::set<std::string> proxied;  // protocols that take connections of a proxy only
};

Result<Stage> set_up(const Context& context, const Scratch& scratch) {
  const bool own_right = !context.issuer.empty() || !context.test_ticket.empty();
  std::string keys = context.config.keys;
  std::string issuer = context.issuer;
  if (!own_right) {
    // Nobody's: they go with the folder.
    issuer = scratch.path() + "/keys";
    if (auto made = ticket::create_keys(issuer, {.event = std::max<uint32_t>(1, context.config.event)});
        !made)
      return Unexpected(made.error());
    if (auto given = give_to(context.account, scratch.path()); !given) return Unexpected(given.error());
    keys = issuer + "/" + std::string(ticket::kNodeFolder);
  }
  Stage out;
  auto issued = context.test_ticket.empty() ? issue(issuer) : given_ticket(context);
  if (!issued) return Unexpected(issued.error());
  out.issued = *std::move(issued);
  if (own_right && context.node) {
    out.listen = context.node->listen;
    out.root = context.config.data;
    if (!context.config.rtmp_proxies.empty()) out.proxied.insert("rtmp");
    if (!context.config.rtmps_proxies.empty()) out.proxied.insert("rtmps");
    return out;
  }
  context.progress("starting a node");
  auto node = PrivateNode::start(context, scratch, keys);
  if (!node) return Unexpected(node.error());
  out.node.emplace(*std::move(node));
  out.listen = out.node->listen();
  out.root = out.node->root();
  return out;
}

std::string url_for(const Stage& stage, ticket::Protocol protocol, const std::string& address) {
  auto where = parse_host_port(address.substr(0, address.find(',')));
  if (!where) return "";
  const HostPort to = reachable(*where);
  cli::EndpointUrl endpoint{{protocol, to.host, static_cast<uint16_t>(to.port)}, "lt"};
  for (const cli::PublishEntry& entry : cli::publish_entries(stage.issued, {endpoint}))
    if (entry.client.empty()) return entry.url;
  return "";
}

// lta/EVENT/st/XX/STATION (docs/archive.md).
std::string station_folder(const Stage& stage) {
  char place[48];
  const ticket::Ticket& ticket = stage.issued.ticket;
  std::snprintf(place, sizeof place, "/lta/%u/st/%02x/%06u", ticket.event, ticket.station % 256,
                ticket.station);
  return stage.root + place;
}

// What was recorded goes; what has no end yet may be being written.
void remove_runs(const OurRuns& runs, Outcome& out) {
  const int64_t until_us = system_clock().mono_us() + kRemoveMs * 1000;
  auto left = runs.remove_ended();
  for (; !left.empty() && system_clock().mono_us() < until_us; left = runs.remove_ended())
    ::poll(nullptr, 0, static_cast<int>(kLookMs));
  for (const std::string& run : left)
    out.warn("it is left in the archive: " + run, "once it has ended, remove it by hand");
}

}  // namespace

Outcome check_publisher(Context& context) {
  const char* look = "see the log of the node (headgate logs; journalctl -u headgate)";
  auto scratch = Scratch::make(context.volume(), context.account);
  if (!scratch) return Outcome().fail(scratch.error().message, "the folder has to be writable");
  auto clip = make_clip(context, *scratch);
  if (!clip) return Outcome().fail("no clip to publish: " + clip.error().message, "apt install ffmpeg");
  auto stage = set_up(context, *scratch);
  if (!stage) return Outcome().fail(stage.error().message, look);
  // What a station records in earnest is evidence: nothing of it is removed.
  if (!stage->node && !context.test_ticket.empty() && !context.keep &&
      (stage->issued.ticket.flags & ticket::kFlagRehearsal) == 0)
    return Outcome().fail("--test-ticket is for station " + std::to_string(stage->issued.ticket.station) +
                              " in earnest: what it records stays",
                          "give --keep, a rehearsal ticket, or --issuer instead");
  OurRuns runs(station_folder(*stage), to_hex(stage->issued.ticket.tid));
  Outcome out;
  bool first = true;
  for (const auto& [name, protocol] :
       {std::pair("rtmp", ticket::Protocol::kRtmp), std::pair("rtmps", ticket::Protocol::kRtmps),
        std::pair("srt", ticket::Protocol::kSrt)}) {
    const auto address = stage->listen.find(name);
    if (address == stage->listen.end() || interrupted()) continue;
    if (stage->proxied.count(name) != 0) {
      out.measured +=
          std::string(first ? "" : ", ") + name + " not tried (it takes a proxy's connections only)";
      continue;
    }
    PublishedStream stream{context,
                           *clip,
                           scratch->path(),
                           "http://" + reachable(*parse_host_port(stage->listen["http"])).text(),
                           stage->issued.ticket.station,
                           runs};
    const std::string told = stream.publish(name, url_for(*stage, protocol, address->second), first, out);
    out.measured += (out.measured.empty() ? "" : ", ") + std::string(name) + (told.empty() ? "" : " " + told);
    first = false;
  }
  out.measured += stage->node ? " (on a node of its own)" : " (on the node that runs)";
  if (!context.keep) remove_runs(runs, out);
  if (context.keep) out.measured += ", kept in " + runs.folder();
  if (context.keep && stage->node) scratch->keep();
  if (interrupted()) out.fail("interrupted", "run it again");
  return out;
}

}  // namespace headgate::preflight
