// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gate.h"

#include <base/encoding.h>
#include <base/json_line.h>
#include <base/sha256.h>
#include <common/log.h>
#include <common/utc.h>
#include <unistd.h>

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
constexpr int64_t kWorkersMs = 1000;  // for the workers that are there to tell their state
constexpr int64_t kRetireCheckMs = 100;
constexpr int64_t kTicksBetweenDrops = 60;  // of expired leases
// A flood of wrong attempts is told by number, not line by line.
constexpr unsigned kRefusalLinesPerSecond = 50;
constexpr std::string_view kSocketName = "gate.sock";
constexpr char kRtmp[] = "rtmp", kRtmps[] = "rtmps", kSrt[] = "srt";  // names of sockets and protocols
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

std::string counts_json(const std::map<std::string, uint64_t>& counts) {
  JsonLine out;
  for (const auto& [name, count] : counts) out.field(name, count);
  return out.take();
}

std::string refused_json(const std::map<int, uint64_t>& refused) {
  JsonLine out;
  for (const auto& [code, count] : refused) out.field(std::to_string(code), count);
  return out.take();
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
      keys_(verifier, settings_.keys),
      revoked_(verifier, settings_.revoked, settings_.runtime_dir + "/revoked.kept"),
      listener_(loop, clock, verifier, settings_.policy,
                {[this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
                   return decide(ticket, claimant);
                 },
                 [this](ingest::Admitted one) { admitted(std::move(one)); },
                 [this](const ingest::Refused& one) { refused(one); }}),
      srt_turn_(loop, settings_.runtime_dir),
      last_session_(static_cast<uint64_t>(clock.utc_us()) << 16) {}

Gate::~Gate() {
  loop_.cancel(ticker_);
  loop_.cancel(stop_timer_);
  loop_.cancel(policy_timer_);
  loop_.cancel(open_timer_);
  loop_.cancel(retire_timer_);
}

Result<void> Gate::start() {
  if (auto loaded = front_.load(); !loaded) return loaded;
  keys_.reload(true);
  revoked_.load();
  restore_leases();
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
  if (settings_.supervised) policy_timer_ = loop_.after_ms(kFirstPolicyMs, [this] { stop_waiting(); });
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
  if (policy_timer_ == 0) return accept(name, std::move(socket));
  if (name != kSrt)
    if (auto port = front_.port(name); !port) return Unexpected(port.error());
  waiting_.emplace_back(name, std::move(socket));
  return {};
}

void Gate::stop_waiting() {
  loop_.cancel(std::exchange(policy_timer_, 0));
  for (auto& [name, socket] : std::exchange(waiting_, {}))
    if (auto accepted = accept(name, std::move(socket)); !accepted) {
      tools::log_error(name + ": " + accepted.error().message);
      return loop_.stop();  // another gate may succeed
    }
}

Result<void> Gate::accept(const std::string& name, UniqueFd socket) {
  if (name != kSrt)
    if (auto port = front_.port(name); !port) return Unexpected(port.error());
  const bool all_known = std::all_of(workers_->all().begin(), workers_->all().end(),
                                     [](const auto& one) { return one.second.known; });
  if (open_ || all_known) {
    open_ports();
    return open_port(name, std::move(socket));
  }
  early_.emplace_back(name, std::move(socket));
  if (open_timer_ == 0) open_timer_ = loop_.after_ms(kWorkersMs, [this] { open_ports(); });
  return {};
}

void Gate::open_ports_if_ready() {
  if (open_ || early_.empty()) return;
  for (const auto& [path, link] : workers_->all())
    if (!link.known) return;
  open_ports();
}

void Gate::open_ports() {
  if (std::exchange(open_, true)) return;
  loop_.cancel(std::exchange(open_timer_, 0));
  for (auto& [name, socket] : std::exchange(early_, {}))
    if (auto opened = open_port(name, std::move(socket)); !opened)
      tools::log_error(name + ": " + opened.error().message);
  for (const auto& subscriber : subscribers_)
    if (subscriber->wants_status)
      subscriber->channel->send(wire::Status{"gate", static_cast<uint32_t>(::getpid()), status_json()});
}

Result<void> Gate::open_port(const std::string& name, UniqueFd socket) {
  if (name == kSrt) {
    if (srt_) return listen_srt(std::move(socket));
    const bool first = srt_sockets_.empty();
    srt_sockets_.push_back(std::move(socket));
    if (!first) return {};
    if (auto asked = srt_turn_.take([this] { take_srt_turn(); }); !asked) return asked;
    return srt_problem_.empty() ? Result<void>() : Unexpected(srt_problem_);
  }
  auto port = front_.port(name);
  if (!port) return Unexpected(port.error());
  listener_names_.push_back(name);
  listener_.add(std::move(socket), *port);
  return {};
}

void Gate::take_srt_turn() {
  for (UniqueFd& socket : std::exchange(srt_sockets_, {}))
    if (auto listening = listen_srt(std::move(socket)); !listening) {
      srt_problem_ = listening.error().message;
      tools::log_error("srt: " + srt_problem_);
    }
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
    callbacks.refused = [this](const ingest::Refused& one) { refused(one); };
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

void Gate::refused(const ingest::Refused& one) {
  if (refusals_logged_ >= kRefusalLinesPerSecond) {
    ++refusals_unlogged_;
    return;
  }
  ++refusals_logged_;
  if (one.ticket_id.empty()) {
    log_notice("refused", {{"MESSAGE_ID", tools::message_id::kPublisherRefused},
                           {"CODE", one.code},
                           {"REASON", one.text},
                           {"PEER", one.peer.text},
                           {"AGENT", one.user_agent}});
    return;
  }
  log_notice("refused", {{"MESSAGE_ID", tools::message_id::kPublisherRefused},
                         {"CODE", one.code},
                         {"REASON", one.text},
                         {"STATION", one.station},
                         {"TICKET", one.ticket_id},
                         {"PEER", one.peer.text},
                         {"AGENT", one.user_agent}});
}

void Gate::on_worker_message(WorkerLink& link, const wire::Message& message) {
  if (std::holds_alternative<wire::WorkerState>(message)) {
    tell_candidates();
    open_ports_if_ready();
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
  loop_.post([this] { open_ports_if_ready(); });  // the link is there until the end of this call
  door_.lock()->sessions.worker_lost(link.path);
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
    // Who has told its state serves.
    if (open_ || early_.empty())
      from.channel->send(wire::Status{"gate", static_cast<uint32_t>(::getpid()), status_json()});
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    std::vector<std::string> names = listener_names_;
    std::vector<int> fds = listener_.listening();
    for (int udp : srt_ ? srt_->listening() : std::vector<int>{}) {
      names.emplace_back(kSrt);
      fds.push_back(udp);
    }
    for (const auto& [name, socket] : waiting_) {
      names.push_back(name);
      fds.push_back(socket.get());
    }
    for (const UniqueFd& udp : srt_sockets_) {
      names.emplace_back(kSrt);
      fds.push_back(udp.get());
    }
    for (const auto& [name, socket] : early_) {
      names.push_back(name);
      fds.push_back(socket.get());
    }
    from.channel->send(wire::Listeners{names}, fds);
  } else if (auto* drain = std::get_if<wire::Drain>(&message)) {
    this->drain(drain->on);
  } else if (auto* policy = std::get_if<wire::NodePolicy>(&message)) {
    door_.lock()->sessions.rule(*policy);
    if (policy_timer_ != 0) stop_waiting();
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
  loop_.cancel(std::exchange(policy_timer_, 0));
  waiting_.clear();
  early_.clear();
  srt_sockets_.clear();
  if (srt_turn_.waiting()) srt_turn_.give_up();
  listener_.retire();
  listener_names_.clear();
  retire_timer_ = loop_.every_ms(kRetireCheckMs, [this] { look_at_end(); });
}

void Gate::look_at_end() {
  if (srt_) {
    const srt::Counters counters = srt_->counters();
    if (counters.links == 0 && counters.pending == 0) {
      srt_.reset();
      srt_turn_.give_up();
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
  if (refusals_unlogged_ > 0) log_notice("refused more than can be told", {{"COUNT", refusals_unlogged_}});
  refusals_logged_ = refusals_unlogged_ = 0;
  if (++ticks_ % kTicksBetweenDrops == 0) door_.lock()->sessions.drop_expired();
  wire::Status status{"gate", static_cast<uint32_t>(::getpid()), status_json()};
  if (!open_ && !early_.empty()) return;
  for (const auto& subscriber : subscribers_)
    if (subscriber->wants_status) subscriber->channel->send(status);
}

std::string Gate::status_json() const {
  ingest::Counters counters = listener_.counters();
  auto door = door_.lock();
  JsonLine out;
  out.field("accepted", counters.accepted)
      .field("admitted", counters.admitted)
      .raw("by_protocol", counts_json(by_protocol_))
      .raw("claims", counts_json(claims_))
      .field("challenged", counters.challenged)
      .raw("refused", refused_json(counters.refused))
      .field("timed_out", counters.timed_out)
      .field("gone", counters.gone)
      .field("denied", counters.denied)
      .field("flooded", counters.flooded)
      .field("over_network", counters.over_network)
      .field("accept_errors", counters.accept_errors)
      .field("unauthenticated", counters.unauthenticated)
      .field("draining", door->draining)
      .field("retiring", retiring_)
      .field("workers", workers_ ? workers_->all().size() : 0)
      .field("sessions", door->sessions.all().size());
  if (!settings_.keys.empty())
    out.field("kids", keys_.kids())
        .field("keys_digest", keys_.digest())
        .field("keys_problem", keys_.problem());
  if (front_.certificate_expires() != 0)
    out.field("handshakes", counters.handshakes)
        .field("handshakes_waiting", counters.handshakes_waiting)
        .field("over_handshakes", counters.over_handshakes)
        .field("relayed", front_.relayed())
        .field("certificate_expires_utc", tools::utc_text(front_.certificate_expires() * 1'000'000));
  if (srt_) out.raw("srt", srt_json());
  return out.take();
}

std::string Gate::srt_json() const {
  const srt::Counters counters = srt_->counters();
  return JsonLine()
      .field("asked", counters.asked)
      .field("admitted", counters.admitted)
      .raw("refused", refused_json(counters.refused))
      .field("gone", counters.gone)
      .field("pending", counters.pending)
      .field("links", counters.links)
      .field("check_us", counters.check_us)
      .field("longest_check_us", counters.longest_check_us)
      .take();
}

}  // namespace headgate::gate
