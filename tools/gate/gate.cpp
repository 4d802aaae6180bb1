// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gate.h"

#include <base/encoding.h>
#include <base/sha256.h>
#include <common/log.h>
#include <ticket/revoked.h>

#include <algorithm>
#include <utility>

namespace headgate::gate {

using tools::log_info;
using tools::log_notice;
using tools::log_warning;

namespace {

constexpr int64_t kTickMs = 1000;
constexpr int64_t kGoodbyeUs = 3'000'000;  // less than a node that stops gives its workers
constexpr int64_t kGoodbyeCheckMs = 20;
constexpr int64_t kRetireCheckMs = 100;
constexpr int64_t kTicksBetweenDrops = 60;  // of expired leases
constexpr std::string_view kSocketName = "gate.sock";
constexpr char kRtmp[] = "rtmp", kRtmps[] = "rtmps";  // names of protocols
constexpr char kDrained[] = "DOWN: this server is being taken out of service. Use the ticket's next server.";

FrontSettings front_settings(const Settings& settings) {
  FrontSettings out = settings.front;
  out.addresses_kept = settings.runtime_dir + "/addresses.kept";
  return out;
}

wire::Handoff handoff_of(const ticket::Ticket& ticket, const ingest::Peer& peer, const ingest::Grant& grant) {
  wire::Handoff out;
  out.session = grant.tag;
  out.event = ticket.event;
  out.station = ticket.station;
  out.ticket_id = to_hex(ticket.tid);
  out.ticket = ticket.wire_text();
  out.peer = peer.text;
  out.claim = grant.claim;
  out.max_kbps = ticket.max_kbps;
  out.codecs = ticket.codecs;
  return out;
}

// Short, and nobody's secret. Empty: it has no key.
std::string device_name(const ticket::Claimant& claimant) {
  constexpr size_t kShown = 8;
  if (!claimant.device) return "";
  return to_hex(Bytes(sha256(claimant.device->key)).first(kShown));
}

}  // namespace

Gate::Gate(Loop& loop, const Clock& clock, ticket::Verifier& verifier, Settings settings)
    : loop_(loop),
      clock_(clock),
      verifier_(verifier),
      settings_(std::move(settings)),
      door_(clock),
      lease_file_(settings_.runtime_dir + "/leases"),
      front_(clock, front_settings(settings_)),
      keys_(verifier, settings_.keys, std::move(settings_.kept_keys)),
      revoked_(verifier, settings_.revoked, settings_.runtime_dir + "/" + ticket::kRevokedKept),
      listener_(loop, clock, verifier, settings_.policy,
                {[this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
                   return decide(ticket, claimant);
                 },
                 [this](ingest::Admitted one) { admitted(std::move(one)); },
                 [this](const ingest::Refused& one) { refusals_.refused(one); }}),
      ports_(loop, front_, listener_, settings_.runtime_dir,
             {[this] { return workers_known(); },
              [this](UniqueFd socket) { return listen_srt(std::move(socket)); },
              [this] { audience_.tell_all(status()); }}),
      audience_(loop, [this](wire::Audience::Member& from, const wire::Message& message,
                             const std::vector<UniqueFd>&) { on_message(from, message); }),
      last_session_(static_cast<uint64_t>(clock.utc_us()) << 16) {}

Gate::~Gate() {
  loop_.cancel(ticker_);
  loop_.cancel(stop_timer_);
  loop_.cancel(retire_timer_);
}

Result<void> Gate::start() {
  if (auto loaded = front_.load(); !loaded) return loaded;
  if (settings_.begins_with) keys_.begin_with(*settings_.begins_with);
  keys_.reload(true);
  revoked_.load();
  restore_leases();
  auto workers = WorkerLinks::watch(
      loop_, settings_.runtime_dir,
      [this](WorkerLink& link, const wire::Message& message) { on_worker_message(link, message); },
      [this](const WorkerLink& link) { on_worker_lost(link); });
  if (!workers) return Unexpected(workers.error());
  workers_ = *std::move(workers);
  if (auto listening = audience_.listen(settings_.runtime_dir + "/" + std::string(kSocketName)); !listening)
    return listening;
  ticker_ = loop_.every_ms(kTickMs, [this] { tick(); });
  if (settings_.supervised) ports_.wait_for_policy();
  return {};
}

void Gate::restore_leases() {
  const auto kept = lease_file_.load(clock_.utc_seconds());
  if (!kept) log_warning("devices and addresses from before are not known: " + kept.error().message);
  auto door = door_.lock();
  if (kept) door->sessions.restore(*kept);
  door->sessions.keep([this](const ticket::Holding& one) { lease_file_.keep(one, clock_.utc_seconds()); });
}

Result<void> Gate::listen(const std::string& name, UniqueFd socket) {
  return ports_.add(name, std::move(socket));
}

bool Gate::workers_known() const {
  return std::all_of(workers_->all().begin(), workers_->all().end(),
                     [](const auto& one) { return one.second.known; });
}

Result<void> Gate::listen_srt(UniqueFd socket) {
  if (!srt_) {
    srt::Callbacks callbacks;
    callbacks.allows = [this](const sockaddr_storage& peer) { return front_.addresses().allows(peer); };
    callbacks.may_enter = [this](const auto& ticket, const auto& claimant) {
      return may_enter(ticket, claimant);
    };
    callbacks.decide = [this](const auto& ticket, const auto& claimant) { return decide(ticket, claimant); };
    callbacks.admitted = [this](srt::Admitted one) { admitted(std::move(one)); };
    callbacks.refused = [this](const ingest::Refused& one) { refusals_.refused(one); };
    auto made = srt::Listener::create(loop_, clock_, verifier_, settings_.srt, std::move(callbacks));
    if (!made) return Unexpected(made.error());
    srt_ = *std::move(made);
  }
  return srt_->add(std::move(socket));
}

void Gate::tell_candidates(const std::string& without) {
  std::vector<Candidate> out;
  for (const auto& [path, link] : workers_->all())
    if (link.known && path != without)
      out.push_back({path, link.state.worker, link.state.sessions, link.state.capacity, link.state.accepting,
                     link.state.reason});
  // The supervisor ends the last ones when they have long had nothing.
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  door_.lock()->workers = std::move(out);
}

Result<void> Gate::may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
  auto door = door_.lock();
  if (door->draining) return Unexpected(ticket::kDown, kDrained);
  return door->sessions.may_enter(ticket, claimant, door->workers);
}

Result<ingest::Grant> Gate::decide(const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
  auto door = door_.lock();
  if (door->draining) return Unexpected(ticket::kDown, kDrained);
  auto choice = door->sessions.choose(ticket, claimant, door->workers);
  if (!choice) return Unexpected(choice.error());
  choice_ = *std::move(choice);
  return ingest::Grant{ticket::name_of(choice_.claim), ++last_session_};
}

// Both directly after decide() of the same connection.
void Gate::admitted(ingest::Admitted one) {
  wire::Handoff handoff = handoff_of(one.ticket, one.peer, one.grant);
  handoff.protocol = one.tls ? kRtmps : kRtmp;
  handoff.user_agent = std::move(one.user_agent);
  handoff.state = std::move(one.state);
  hand_over(std::move(handoff), one.ticket, std::move(one.socket));
}

void Gate::admitted(srt::Admitted one) {
  wire::Handoff handoff = handoff_of(one.ticket, one.peer, one.grant);
  handoff.protocol = kSrt;
  handoff.user_agent = std::move(one.user_agent);
  hand_over(std::move(handoff), one.ticket, std::move(one.stream));
}

void Gate::hand_over(wire::Handoff handoff, const ticket::Ticket& ticket, UniqueFd descriptor) {
  WorkerLink* link = workers_->find(choice_.worker);
  bool sent = link && link->channel->send(handoff, {descriptor.get()});
  // The worker died this moment: the connection closes and the publisher comes again. A session that it would
  // have superseded goes on.
  if (!sent) {
    log_warning("admitted, but its worker has gone",
                {{"STATION", handoff.station}, {"SESSION", handoff.session}, {"PEER", handoff.peer}});
    return;
  }
  for (const Session& old : choice_.superseded)
    if (WorkerLink* its = workers_->find(old.worker)) its->channel->send(wire::Kick{old.id, "superseded"});
  door_.lock()->sessions.begin(handoff.session, ticket, choice_);
  ++by_protocol_[handoff.protocol];
  ++claims_[handoff.claim];
  log_info("admitted", {{"EVENT", handoff.event},
                        {"STATION", handoff.station},
                        {"TICKET", handoff.ticket_id},
                        {"PEER", handoff.peer},
                        {"PROTOCOL", handoff.protocol},
                        {"CLAIM", handoff.claim},
                        {"SESSION", handoff.session},
                        {"WORKER", link->state.worker},
                        {"AGENT", handoff.user_agent},
                        {"DEVICE", device_name(choice_.claimant)}});
}

void Gate::on_worker_message(WorkerLink& link, const wire::Message& message) {
  if (std::holds_alternative<wire::WorkerState>(message)) {
    tell_candidates();
    ports_.look_at_workers();
  } else if (auto* opened = std::get_if<wire::SessionOpened>(&message)) {
    if (!door_.lock()->sessions.opened(*opened, link.path))
      log_info("found a session", {{"SESSION", opened->session},
                                   {"STATION", opened->station},
                                   {"PEER", opened->peer},
                                   {"WORKER", link.state.worker}});
  } else if (auto* closed = std::get_if<wire::SessionClosed>(&message)) {
    door_.lock()->sessions.closed(closed->session, closed->reason);
  } else if (auto* health = std::get_if<wire::SessionHealth>(&message)) {
    door_.lock()->sessions.health(*health);
  }
}

void Gate::on_worker_lost(const WorkerLink& link) {
  // One that took nothing more and had nothing any more has ended as it should.
  const bool expected = !link.state.accepting && link.state.sessions == 0;
  if (link.known)
    tools::log(expected ? tools::Level::info : tools::Level::warning, "worker gone",
               {{"WORKER", link.state.worker}, {"WORKER_PID", link.state.pid}});
  tell_candidates(link.path);
  loop_.post([this] { ports_.look_at_workers(); });  // the link is there until the end of this call
  door_.lock()->sessions.worker_lost(link.path);
}

void Gate::on_message(wire::Audience::Member& from, const wire::Message& message) {
  if (std::holds_alternative<wire::Hello>(message)) {
    // Who has told its state serves.
    if (ports_.ready()) from.channel->send(status());
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    Ports::Sockets sockets = ports_.all(srt_ ? srt_->listening() : std::vector<int>{});
    if (const int kept = keys_.kept().fd(); kept >= 0) {
      sockets.names.emplace_back(kKeysMemory);
      sockets.fds.push_back(kept);
    }
    from.channel->send(wire::Listeners{sockets.names}, sockets.fds);
  } else if (auto* drain = std::get_if<wire::Drain>(&message)) {
    this->drain(drain->on);
  } else if (auto* policy = std::get_if<wire::NodePolicy>(&message)) {
    door_.lock()->sessions.rule(*policy);
    ports_.stop_waiting();
  } else if (std::holds_alternative<wire::Stop>(message)) {
    stop();
  }
}

void Gate::drain(bool on) {
  if (stop_us_ == 0) door_.lock()->draining = on;
}

size_t Gate::carried() const {
  return front_.relayed() + (srt_ ? srt_->counters().links : 0);
}

void Gate::stop() {
  const int64_t now = clock_.mono_us();
  if (stop_us_ == 0) {
    stop_us_ = now + kGoodbyeUs;
    door_.lock()->draining = true;
    stop_timer_ = loop_.every_ms(kGoodbyeCheckMs, [this] { stop(); });
  }
  if (carried() == 0 || now >= stop_us_) loop_.stop();
}

void Gate::retire() {
  if (std::exchange(retiring_, true)) return;
  log_notice("another gate has the ports; ends when nobody is connected");
  ports_.retire();
  retire_timer_ = loop_.every_ms(kRetireCheckMs, [this] { look_at_end(); });
}

void Gate::look_at_end() {
  if (srt_) {
    const srt::Counters counters = srt_->counters();
    if (counters.links == 0 && counters.pending == 0) {
      srt_.reset();
      ports_.give_up_srt_turn();
    }
  }
  if (!srt_ && front_.relayed() == 0 && listener_.counters().unauthenticated == 0) loop_.stop();
}

void Gate::reload() {
  front_.reload(true);
  keys_.reload(true);
  revoked_.reload(true);
}

// Also those whom an earlier gate has let in.
void Gate::kick_revoked() {
  if (!revoked_.any()) return;
  std::vector<Session> revoked;
  for (auto door = door_.lock(); const auto& [id, session] : door->sessions.all())
    if (session.opened && verifier_.is_revoked(session.tid)) revoked.push_back(session);
  for (const Session& one : revoked)
    if (WorkerLink* its = workers_->find(one.worker)) its->channel->send(wire::Kick{one.id, "revoked"});
}

void Gate::tick() {
  front_.reload(false);
  keys_.reload(false);
  revoked_.reload(false);
  kick_revoked();
  refusals_.next_second();
  if (++ticks_ % kTicksBetweenDrops == 0) door_.lock()->sessions.drop_expired();
  if (ports_.ready()) audience_.tell_all(status());
}

}  // namespace headgate::gate
