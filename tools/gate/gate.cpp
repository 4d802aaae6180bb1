// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gate.h"

#include <base/encoding.h>
#include <base/json_line.h>
#include <common/log.h>
#include <unistd.h>

#include <algorithm>

namespace headgate::gate {

using tools::log_info;
using tools::log_notice;
using tools::log_warning;

namespace {

constexpr int64_t kTickMs = 1000;
constexpr int64_t kTicksBetweenDrops = 60;  // of expired leases
// A flood of wrong attempts is told by number, not line by line.
constexpr unsigned kRefusalLinesPerSecond = 50;
constexpr std::string_view kSocketName = "gate.sock";

}  // namespace

Gate::Gate(Loop& loop, const Clock& clock, const ticket::Verifier& verifier, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      sessions_(clock),
      listener_(
          loop, clock, verifier, settings_.policy,
          {[this](const ticket::Ticket& ticket, const ingest::Peer& peer) { return decide(ticket, peer); },
           [this](ingest::Admitted one) { admitted(std::move(one)); },
           [this](const ingest::Refused& one) { refused(one); }}),
      last_session_(static_cast<uint64_t>(clock.utc_us()) << 16) {}

Gate::~Gate() {
  loop_.cancel(ticker_);
}

Result<void> Gate::start() {
  auto workers = WorkerLinks::watch(
      loop_, settings_.runtime_dir,
      [this](WorkerLink& link, const wire::Message& message) { on_worker_message(link, message); },
      [this](const WorkerLink& link) { on_worker_lost(link); });
  if (!workers) return Unexpected(workers.error());
  workers_ = *std::move(workers);
  auto acceptor = wire::Acceptor::listen(
      loop_, settings_.runtime_dir + "/" + std::string(kSocketName),
      [this](std::unique_ptr<wire::Channel> one) { accept_subscriber(std::move(one)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  ticker_ = loop_.every_ms(kTickMs, [this] { tick(); });
  return {};
}

void Gate::listen(std::string name, UniqueFd socket) {
  listener_names_.push_back(std::move(name));
  listener_.add(std::move(socket));
}

std::vector<Candidate> Gate::candidates() const {
  std::vector<Candidate> out;
  for (const auto& [path, link] : workers_->all())
    if (link.known)
      out.push_back({path, link.state.worker, link.state.sessions, link.state.capacity, link.state.accepting,
                     link.state.reason});
  // The supervisor ends the last ones when they have long had nothing.
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return out;
}

Result<ingest::Grant> Gate::decide(const ticket::Ticket& ticket, const ingest::Peer& peer) {
  if (draining_)
    return Unexpected(ticket::kDown,
                      "DOWN: this server is being taken out of service. Use the ticket's next server.");
  auto choice = sessions_.choose(ticket, peer, candidates());
  if (!choice) return Unexpected(choice.error());
  choice_ = *std::move(choice);
  return ingest::Grant{ticket::name_of(choice_.lease.kind), ++last_session_};
}

// Directly after decide() of the same connection.
void Gate::admitted(ingest::Admitted one) {
  for (const Session& old : choice_.superseded) {
    if (WorkerLink* link = workers_->find(old.worker)) link->channel->send(wire::Kick{old.id, "superseded"});
  }
  wire::Handoff handoff;
  handoff.session = one.grant.tag;
  handoff.event = one.ticket.event;
  handoff.station = one.ticket.station;
  handoff.ticket_id = to_hex(one.ticket.tid);
  handoff.ticket = one.ticket.wire_text();
  handoff.peer = one.peer.text;
  handoff.protocol = "rtmp";
  handoff.user_agent = one.user_agent;
  handoff.claim = one.grant.claim;
  handoff.max_kbps = one.ticket.max_kbps;
  handoff.codecs = one.ticket.codecs;
  handoff.state = std::move(one.state);
  WorkerLink* link = workers_->find(choice_.worker);
  bool sent = link && link->channel->send(handoff, {one.socket.get()});
  if (!sent) {  // the worker died this moment: the connection closes and the publisher comes again
    log_warning("admitted, but its worker has gone", {{"STATION", handoff.station}, {"PEER", handoff.peer}});
    return;
  }
  sessions_.begin(handoff.session, one.ticket, choice_);
  log_info("admitted", {{"EVENT", handoff.event},
                        {"STATION", handoff.station},
                        {"TICKET", handoff.ticket_id},
                        {"PEER", handoff.peer},
                        {"CLAIM", handoff.claim},
                        {"SESSION", handoff.session},
                        {"WORKER", link->state.worker},
                        {"AGENT", handoff.user_agent}});
}

void Gate::refused(const ingest::Refused& one) {
  if (refusals_logged_ >= kRefusalLinesPerSecond) {
    ++refusals_unlogged_;
    return;
  }
  ++refusals_logged_;
  if (one.ticket_id.empty()) {
    log_notice(
        "refused",
        {{"CODE", one.code}, {"REASON", one.text}, {"PEER", one.peer.text}, {"AGENT", one.user_agent}});
    return;
  }
  log_notice("refused", {{"CODE", one.code},
                         {"REASON", one.text},
                         {"STATION", one.station},
                         {"TICKET", one.ticket_id},
                         {"PEER", one.peer.text},
                         {"AGENT", one.user_agent}});
}

void Gate::on_worker_message(WorkerLink& link, const wire::Message& message) {
  if (auto* opened = std::get_if<wire::SessionOpened>(&message)) {
    if (!sessions_.opened(*opened, link.path))
      log_info("found a session", {{"SESSION", opened->session},
                                   {"STATION", opened->station},
                                   {"PEER", opened->peer},
                                   {"WORKER", link.state.worker}});
  } else if (auto* closed = std::get_if<wire::SessionClosed>(&message)) {
    sessions_.closed(closed->session);
  } else if (auto* health = std::get_if<wire::SessionHealth>(&message)) {
    sessions_.health(*health);
  }
}

void Gate::on_worker_lost(const WorkerLink& link) {
  // One that took nothing more and had nothing any more has ended as it should.
  const bool expected = !link.state.accepting && link.state.sessions == 0;
  tools::log(expected ? tools::Level::info : tools::Level::warning, "worker gone",
             {{"WORKER", link.state.worker}, {"WORKER_PID", link.state.pid}});
  sessions_.worker_lost(link.path);
}

void Gate::accept_subscriber(std::unique_ptr<wire::Channel> channel) {
  auto owned = std::make_unique<Subscriber>();
  Subscriber* subscriber = owned.get();
  subscriber->channel = std::move(channel);
  subscribers_.insert(std::move(owned));
  subscriber->channel->start(
      [this, subscriber](wire::Message message, std::vector<UniqueFd>) {
        on_subscriber_message(*subscriber, message);
      },
      [this, subscriber] {
        std::erase_if(subscribers_, [&](const auto& one) { return one.get() == subscriber; });
      });
}

void Gate::on_subscriber_message(Subscriber& from, const wire::Message& message) {
  if (std::holds_alternative<wire::Hello>(message)) {
    from.wants_status = true;
    from.channel->send(wire::Status{"gate", static_cast<uint32_t>(::getpid()), status_json()});
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    from.channel->send(wire::Listeners{listener_names_}, listener_.listening());
  } else if (std::holds_alternative<wire::Drain>(message)) {
    draining_ = true;
  } else if (std::holds_alternative<wire::Stop>(message)) {
    loop_.stop();
  }
}

void Gate::tick() {
  if (refusals_unlogged_ > 0) log_notice("refused more than can be told", {{"COUNT", refusals_unlogged_}});
  refusals_logged_ = refusals_unlogged_ = 0;
  if (++ticks_ % kTicksBetweenDrops == 0) sessions_.drop_expired();
  wire::Status status{"gate", static_cast<uint32_t>(::getpid()), status_json()};
  for (const auto& subscriber : subscribers_)
    if (subscriber->wants_status) subscriber->channel->send(status);
}

std::string Gate::status_json() const {
  ingest::Counters counters = listener_.counters();
  JsonLine refused;
  for (const auto& [code, count] : counters.refused) refused.field(std::to_string(code), count);
  JsonLine out;
  out.field("accepted", counters.accepted)
      .field("admitted", counters.admitted)
      .field("challenged", counters.challenged)
      .raw("refused", refused.take())
      .field("timed_out", counters.timed_out)
      .field("gone", counters.gone)
      .field("over_network", counters.over_network)
      .field("accept_errors", counters.accept_errors)
      .field("unauthenticated", counters.unauthenticated)
      .field("draining", draining_)
      .field("workers", workers_ ? workers_->all().size() : 0)
      .field("sessions", sessions_.all().size());
  return out.take();
}

}  // namespace headgate::gate
