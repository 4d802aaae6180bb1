// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <ingest/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <deque>
#include <set>
#include <unordered_map>
#include <vector>

#include "admission.h"

namespace headgate::ingest {
namespace {

constexpr int64_t kSweepMs = 100;     // how late a deadline may be noticed
constexpr int kAcceptsPerRound = 64;  // then connections have their turn

}  // namespace

struct Listener::State {
  State(Loop& the_loop, const Clock& clock, const ticket::Verifier& verifier, Policy policy,
        Callbacks callbacks)
      : loop(the_loop),
        shared{clock,
               verifier,
               policy,
               std::move(callbacks),
               rtmp::AdobeAuth(),
               FailureBudget(policy.failures_per_source, policy.failures_per_network),
               Places(policy.max_unauthenticated_per_network, policy.undisturbed_us),
               HandshakeBudget(policy.handshakes),
               {},
               [this](uint64_t id) { end(id); }} {}

  struct Port {
    UniqueFd fd;
    PortSettings settings;
  };
  void add(UniqueFd listening, PortSettings settings);
  void accept(const Port& port);
  void take(const Port& port, UniqueFd socket, const sockaddr_storage& address);
  void on_events(uint64_t id, uint32_t events);
  void end(uint64_t id);
  void sweep();
  void take_turns();
  void limit_handshakes();
  bool full() const { return admissions.size() >= shared.policy.max_unauthenticated; }
  bool make_way(std::optional<uint64_t> leaves);
  void pause();
  void resume();

  Loop& loop;
  Shared shared;
  std::deque<Port> ports;  // admissions point to them
  std::unordered_map<uint64_t, std::unique_ptr<Admission>> admissions;
  std::set<uint64_t> waiting;  // for their turn
  Crowd shaking;               // hands
  uint64_t last_id = 0;
  Loop::TimerId sweep_timer = 0;  // runs while there are admissions or accepting is paused
  bool paused = false;
};

void Listener::State::add(UniqueFd fd, PortSettings settings) {
  int flags = ::fcntl(fd.get(), F_GETFL);
  ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK);
  ports.push_back({std::move(fd), settings});
  const Port& port = ports.back();
  loop.watch(port.fd.get(), paused ? 0u : EPOLLIN, [this, &port](uint32_t) { accept(port); });
}

void Listener::State::accept(const Port& port) {
  bool freed = false;  // a descriptor, for the one who is known to wait
  for (int i = 0; i < kAcceptsPerRound && !paused && port.fd; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd socket(
        ::accept4(port.fd.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      take(port, std::move(socket), address);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return;
    ++shared.counters.accept_errors;
    if (freed) return;  // perhaps there was only one: without a descriptor nobody is told that
    freed = (errno == EMFILE || errno == ENFILE) && make_way(shared.places.leaves(shared.clock.mono_us()));
    if (!freed) pause();  // the socket stays readable, so do not look for a while
  }
}

void Listener::State::take(const Port& port, UniqueFd socket, const sockaddr_storage& address) {
  ++shared.counters.accepted;
  const AddressFilter* filter = port.settings.proxies ? port.settings.proxies : port.settings.addresses;
  if (filter && !filter->allows(address)) {
    ++shared.counters.denied;
    return;
  }
  int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  uint64_t id = ++last_id;
  int raw = socket.get();
  auto admission = std::make_unique<Admission>(shared, id, port.settings, std::move(socket), address);
  if (!admission->start()) return;
  const uint32_t wanted = admission->wanted_events();
  admissions[id] = std::move(admission);
  loop.watch(raw, wanted, [this, id](uint32_t events) { on_events(id, events); });
  if (sweep_timer == 0) sweep_timer = loop.every_ms(kSweepMs, [this] { sweep(); });
  if (full() && !make_way(shared.places.leaves_for(id, shared.clock.mono_us()))) pause();
}

// Whoever has been here for a while without being admitted keeps nobody out.
bool Listener::State::make_way(std::optional<uint64_t> leaves) {
  if (!leaves) return false;
  ++shared.counters.made_way;
  end(*leaves);
  return true;
}

void Listener::State::on_events(uint64_t id, uint32_t events) {
  auto found = admissions.find(id);
  if (found == admissions.end()) return;
  Admission& admission = *found->second;
  int socket = admission.socket();
  const uint32_t wanted = admission.wanted_events();
  const bool shook_hands = admission.shakes_hands(), goes_on = admission.on_events(events);
  if (shook_hands && !admission.shakes_hands()) shaking.remove(id, admission.peer());
  if (!shook_hands && admission.shakes_hands()) shaking.add(id, admission.peer());
  if (goes_on) {
    if (admission.wanted_events() != wanted) loop.rewatch(socket, admission.wanted_events());
    if (admission.waits_for_turn()) waiting.insert(id);
    limit_handshakes();
    return;
  }
  loop.unwatch(socket);  // before somebody else owns it
  auto admitted = admission.take_admitted();
  end(id);
  if (admitted) shared.callbacks.admitted(std::move(*admitted));
}

void Listener::State::end(uint64_t id) {
  auto found = admissions.find(id);
  if (found == admissions.end()) return;
  if (found->second->shakes_hands()) shaking.remove(id, found->second->peer());
  if (found->second->socket() >= 0) loop.unwatch(found->second->socket());  // not when admitted
  admissions.erase(found);
  waiting.erase(id);
  if (!full()) resume();
}

// Who came last goes first: when more come than can be served, some are served while they still care, and not
// all of them too late.
void Listener::State::take_turns() {
  const std::vector<uint64_t> ids(waiting.rbegin(), waiting.rend());
  for (uint64_t id : ids) {
    waiting.erase(id);
    on_events(id, EPOLLIN);  // waits again if it is not its turn
  }
}

// An honest client is through within a round trip or two, but some of these are long: who began first goes,
// of the network that has most of them.
void Listener::State::limit_handshakes() {
  while (shaking.size() > shared.policy.handshakes.most) {
    ++shared.counters.over_handshakes;
    end(*shaking.oldest_of_most());
  }
}

void Listener::State::sweep() {
  int64_t now = shared.clock.mono_us();
  take_turns();
  shared.handshakes.drop_paid(now);
  std::vector<uint64_t> over;
  for (auto& [id, admission] : admissions)
    if (!admission->on_time(now)) over.push_back(id);
  for (uint64_t id : over) end(id);
  if (full()) make_way(shared.places.leaves_for(last_id, now));  // who made it full
  if (!full()) resume();
  if (!admissions.empty() || paused) return;
  loop.cancel(sweep_timer);
  sweep_timer = 0;
}

void Listener::State::pause() {
  if (paused) return;
  paused = true;
  for (const Port& port : ports)
    if (port.fd) loop.rewatch(port.fd.get(), 0);
  if (sweep_timer == 0) sweep_timer = loop.every_ms(kSweepMs, [this] { sweep(); });
}

void Listener::State::resume() {
  if (!paused) return;
  paused = false;
  for (const Port& port : ports)
    if (port.fd) loop.rewatch(port.fd.get(), EPOLLIN);
}

Listener::Listener(Loop& loop, const Clock& clock, const ticket::Verifier& verifier, Policy policy,
                   Callbacks callbacks)
    : state_(std::make_unique<State>(loop, clock, verifier, std::move(policy), std::move(callbacks))) {}

Listener::~Listener() {
  state_->loop.cancel(state_->sweep_timer);
  retire();
  for (auto& [id, admission] : state_->admissions) state_->loop.unwatch(admission->socket());
}

void Listener::add(UniqueFd listening, PortSettings settings) {
  state_->add(std::move(listening), settings);
}

void Listener::retire() {
  for (auto& port : state_->ports) {
    if (!port.fd) continue;
    state_->loop.unwatch(port.fd.get());
    port.fd.reset();
  }
}

std::vector<int> Listener::listening() const {
  std::vector<int> out;
  for (const auto& port : state_->ports)
    if (port.fd) out.push_back(port.fd.get());
  return out;
}

Counters Listener::counters() const {
  Counters out = state_->shared.counters;
  out.unauthenticated = state_->admissions.size();
  out.handshakes_waiting = state_->waiting.size();
  return out;
}

}  // namespace headgate::ingest
