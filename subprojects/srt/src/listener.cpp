// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>
#include <fcntl.h>
#include <srt/listener.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "handshakes.h"
#include "relay_thread.h"

namespace headgate::srt {
namespace {

constexpr int kBacklog = 1024;           // accepted by libsrt and not yet by us
constexpr int kKeyBytes = 16;            // AES-128: what stock clients use unless told
constexpr int kOldestPeer = 0x010300;    // 1.3.0: the first with stream ids
constexpr int kPairBytes = 1024 * 1024;  // the kernel gives what net.core.wmem_max allows
constexpr int64_t kSweepMs = 250;        // for handshakes that failed after the check

struct Port {
  Socket listener;
  UniqueFd udp;  // ours; libsrt has a duplicate, which it closes in its own time
  Handshakes* handshakes = nullptr;
  SRTSOCKET last = SRT_INVALID_SOCK;  // caller, in this port's thread
};

int on_handshake(void* port, SRTSOCKET socket, int, const sockaddr* address, const char* stream_id) {
  Port& of = *static_cast<Port*>(port);
  return of.handshakes->check(socket, address, stream_id, of.last);
}

template <typename Value>
bool set(SRTSOCKET socket, SRT_SOCKOPT option, Value value) {
  return srt_setsockflag(socket, option, &value, sizeof value) == 0;
}

bool set_options(SRTSOCKET socket, const Policy& policy) {
  const linger none{};
  return set(socket, SRTO_TRANSTYPE, SRTT_LIVE) && set(socket, SRTO_RCVSYN, false) &&
         set(socket, SRTO_RCVLATENCY, policy.latency_ms) && set(socket, SRTO_ENFORCEDENCRYPTION, true) &&
         set(socket, SRTO_PBKEYLEN, kKeyBytes) && set(socket, SRTO_MINVERSION, kOldestPeer) &&
         set(socket, SRTO_LINGER, none);
}

std::string version_text(SRTSOCKET socket) {
  int version = 0, size = sizeof version;
  if (srt_getsockflag(socket, SRTO_PEERVERSION, &version, &size) != 0) return "SRT";
  return "SRT/" + std::to_string(version >> 16 & 0xff) + "." + std::to_string(version >> 8 & 0xff) + "." +
         std::to_string(version & 0xff);
}

}  // namespace

// What is posted to the loop holds it weakly: it may run when the listener has gone.
struct Listener::State : std::enable_shared_from_this<Listener::State> {
  State(Loop& the_loop, const Clock& clock, const ticket::Verifier& verifier, Policy the_policy,
        Callbacks the_callbacks)
      : loop(the_loop),
        policy(the_policy),
        callbacks(std::move(the_callbacks)),
        handshakes(clock, verifier, the_policy, callbacks, [this] { post(&State::tell_refused); }),
        relay(clock, {[this](SRTSOCKET socket) { post(&State::accepted, std::make_shared<Socket>(socket)); },
                      [this](SRTSOCKET socket, int pair) { post(&State::held, socket, pair); },
                      [this](SRTSOCKET, UniqueFd pair) {
                        post(&State::ended, std::make_shared<UniqueFd>(std::move(pair)));
                      }}) {}

  // From any thread: calls the member in the loop's.
  template <typename... Parameters, typename... Arguments>
  void post(void (State::*member)(Parameters...), Arguments... arguments) {
    loop.post([weak = weak_from_this(), member, arguments...] {
      if (auto self = weak.lock()) (self.get()->*member)(arguments...);
    });
  }

  void accepted(std::shared_ptr<Socket> socket);
  void held(SRTSOCKET socket, int pair);
  void on_pair(SRTSOCKET socket, int pair, uint32_t events);
  void ended(std::shared_ptr<UniqueFd> pair);
  void tell_refused();

  Library library;  // first in, last out
  Loop& loop;
  const Policy policy;
  const Callbacks callbacks;
  Handshakes handshakes;
  std::map<SRTSOCKET, int> pairs;  // our ends that the loop watches, of links that run
  Loop::TimerId sweep_timer = 0;
  std::vector<std::unique_ptr<Port>> ports;
  RelayThread relay;
};

void Listener::State::accepted(std::shared_ptr<Socket> socket) {
  const SRTSOCKET id = socket->get();
  auto caller = handshakes.accepted(id);
  if (!caller) return;  // swept: it was broken before we came to it
  std::string user_agent = version_text(id);
  if (srt_getsockstate(id) != SRTS_CONNECTED) return handshakes.gone();
  // Before decide(), which gives somebody's place away.
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    return handshakes.refused(*caller, {ticket::kDown, "DOWN: no descriptors are left."}, user_agent);
  UniqueFd ours(ends[0]), theirs(ends[1]);
  auto grant = callbacks.decide(caller->ticket, caller->claimant());
  if (!grant) return handshakes.refused(*caller, grant.error(), user_agent);
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &kPairBytes, sizeof kPairBytes);
  handshakes.admitted();
  const int pair = ours.get();
  pairs[id] = pair;
  loop.watch(pair, EPOLLRDHUP, [this, id, pair](uint32_t events) { on_pair(id, pair, events); });
  relay.start(std::move(*socket), std::move(ours));
  callbacks.admitted({caller->ticket, std::move(caller->peer), std::move(user_agent), caller->device,
                      *std::move(grant), std::move(theirs)});
}

void Listener::State::held(SRTSOCKET socket, int pair) {
  if (pairs.contains(socket)) loop.rewatch(pair, EPOLLOUT | EPOLLRDHUP);
}

void Listener::State::on_pair(SRTSOCKET socket, int pair, uint32_t events) {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    loop.unwatch(pair);
    pairs.erase(socket);
    relay.stop(socket);
  } else if (events & EPOLLOUT) {
    loop.rewatch(pair, EPOLLRDHUP);
    relay.resume(socket);
  }
}

void Listener::State::ended(std::shared_ptr<UniqueFd> pair) {
  loop.unwatch(pair->get());
  std::erase_if(pairs, [&](const auto& entry) { return entry.second == pair->get(); });
  pair->reset();
}

void Listener::State::tell_refused() {
  for (const ingest::Refused& one : handshakes.take_refused())
    if (callbacks.refused) callbacks.refused(one);
}

Result<std::unique_ptr<Listener>> Listener::create(Loop& loop, const Clock& clock,
                                                   const ticket::Verifier& verifier, Policy policy,
                                                   Callbacks callbacks) {
  auto state = std::make_shared<State>(loop, clock, verifier, policy, std::move(callbacks));
  if (!state->relay.works()) return library_error("libsrt");
  State* raw = state.get();
  state->sweep_timer = loop.every_ms(kSweepMs, [raw] { raw->handshakes.sweep(); });
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() {
  state_->loop.cancel(state_->sweep_timer);
  for (const auto& [socket, pair] : state_->pairs) state_->loop.unwatch(pair);
}

Result<void> Listener::add(UniqueFd udp) {
  auto port = std::make_unique<Port>();
  port->handshakes = &state_->handshakes;
  port->listener = Socket(srt_create_socket());
  const SRTSOCKET socket = port->listener.get();
  if (!port->listener || !set_options(socket, state_->policy)) return library_error("an SRT socket");
  // libsrt waits in recvmsg(), for as long as the SO_RCVTIMEO that it sets; one that does not block it asks
  // in a busy loop.
  ::fcntl(udp.get(), F_SETFL, ::fcntl(udp.get(), F_GETFL) & ~O_NONBLOCK);
  const int theirs = ::fcntl(udp.get(), F_DUPFD_CLOEXEC, 0);
  if (theirs < 0) return errno_error("dup");
  if (srt_bind_acquire(socket, theirs) != 0) {
    ::close(theirs);
    return library_error("srt_bind_acquire");
  }
  if (srt_listen_callback(socket, &on_handshake, port.get()) != 0 || !state_->relay.accept_from(socket) ||
      srt_listen(socket, kBacklog) != 0)
    return library_error("srt_listen");
  port->udp = std::move(udp);
  state_->ports.push_back(std::move(port));
  return {};
}

std::vector<int> Listener::listening() const {
  std::vector<int> out;
  for (const auto& port : state_->ports) out.push_back(port->udp.get());
  return out;
}

Counters Listener::counters() const {
  Counters out = state_->handshakes.counters();
  out.links = state_->relay.links();
  return out;
}

}  // namespace headgate::srt
