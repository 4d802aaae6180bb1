// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include <base/clock.h>
#include <base/encoding.h>

namespace headgate::ticketsrc {
namespace {

constexpr std::string_view kRtmpScheme = "rtmp://", kSrtScheme = "srt://";
constexpr char kRtmp[] = "rtmp", kSrt[] = "srt";
constexpr char kDefaultPort[] = "1935";  // RTMP's; SRT has none
constexpr int kBacklog = 128;

Result<UniqueFd> listen_on(const Address& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = address.srt ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  if (const int error = getaddrinfo(host, address.port.c_str(), &hints, &found))
    return Unexpected("uri: " + address.host + ":" + address.port + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  int last_error = 0;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    UniqueFd fd(socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
    const int on = address.srt ? 0 : 1;
    if (fd && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd.get(), one->ai_addr, one->ai_addrlen) == 0 &&
        (address.srt || ::listen(fd.get(), kBacklog) == 0))
      return fd;
    last_error = errno;
  }
  return Unexpected(last_error,
                    "listen on " + address.host + ":" + address.port + ": " + std::strerror(last_error));
}

uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&address)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);
}

template <typename Admitted>
store::RunInfo info_of(const Admitted& admitted, const char* protocol) {
  store::RunInfo info;
  info.event = admitted.ticket.event;
  info.station = admitted.ticket.station;
  info.ticket_id = to_hex(admitted.ticket.tid);
  info.ticket = admitted.ticket.wire_text();
  info.peer = admitted.peer.text;
  info.protocol = protocol;
  info.user_agent = admitted.user_agent;
  info.claim = admitted.grant.claim;
  return info;
}

}  // namespace

Result<Address> parse_uri(const std::string& uri) {
  const bool srt = uri.starts_with(kSrtScheme);
  if (!srt && !uri.starts_with(kRtmpScheme))
    return Unexpected("uri \"" + uri + "\": only rtmp://host:port/app and srt://host:port are supported");
  std::string authority = uri.substr(srt ? kSrtScheme.size() : kRtmpScheme.size());
  authority = authority.substr(0, authority.find('/'));
  Address address{.srt = srt, .host = authority, .port = srt ? "" : kDefaultPort};
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string::npos && (bracket == std::string::npos || colon > bracket)) {
    address.host = authority.substr(0, colon);
    address.port = authority.substr(colon + 1);
  }
  if (address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']')
    address.host = address.host.substr(1, address.host.size() - 2);
  const bool digits = !address.port.empty() && address.port.size() <= 5 &&
                      address.port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoul(address.port) > 65535)
    return Unexpected("uri \"" + uri + "\": \"" + address.port + "\" is not a port");
  return address;
}

Listener::Listener(ticket::NodeKeys keys, OnOffer on_offer, OnRefusal on_refusal)
    : verifier_(std::move(keys)), on_offer_(std::move(on_offer)), on_refusal_(std::move(on_refusal)) {}

Result<std::unique_ptr<Listener>> Listener::open(const std::string& uri, const std::string& keys_directory,
                                                 OnOffer on_offer, OnRefusal on_refusal) {
  auto address = parse_uri(uri);
  if (!address) return Unexpected(address.error());
  auto keys = ticket::load_node_keys(keys_directory);
  if (!keys) return Unexpected(keys.error());
  std::unique_ptr<Listener> self(
      new Listener(std::move(keys).value(), std::move(on_offer), std::move(on_refusal)));
  if (auto listening = self->listen(*address); !listening) return Unexpected(listening.error());
  self->thread_ = std::thread([raw = self.get()] {
    pthread_setname_np(pthread_self(), "headgate-listen");
    raw->loop_.run();
    raw->rtmp_.reset();
    raw->srt_.reset();
  });
  return self;
}

Result<void> Listener::listen(const Address& address) {
  auto socket = listen_on(address);
  if (!socket) return Unexpected(socket.error());
  port_ = port_of(socket->get());
  return address.srt ? listen_srt(*std::move(socket)) : listen_rtmp(*std::move(socket));
}

Result<void> Listener::listen_rtmp(UniqueFd socket) {
  ingest::Callbacks callbacks;
  callbacks.decide = [this](const auto& ticket, const auto& claimant) { return decide(ticket, claimant); };
  callbacks.admitted = [this](ingest::Admitted one) {
    Offer offer;
    offer.info = info_of(one, kRtmp);
    offer.socket = std::move(one.socket);
    offer.state = std::move(one.state);
    admitted(std::move(offer), one.ticket, one.grant);
  };
  callbacks.refused = [this](const ingest::Refused& one) { refused(one, kRtmp); };
  rtmp_ = std::make_unique<ingest::Listener>(loop_, system_clock(), verifier_, ingest::Policy{},
                                             std::move(callbacks));
  rtmp_->add(std::move(socket));
  return {};
}

Result<void> Listener::listen_srt(UniqueFd socket) {
  srt::Callbacks callbacks;
  callbacks.may_enter = [this](const auto& ticket, const auto& claimant) {
    return may_enter(ticket, claimant);
  };
  callbacks.decide = [this](const auto& ticket, const auto& claimant) { return decide(ticket, claimant); };
  callbacks.admitted = [this](srt::Admitted one) {
    Offer offer;
    offer.info = info_of(one, kSrt);
    offer.socket = std::move(one.stream);
    admitted(std::move(offer), one.ticket, one.grant);
  };
  callbacks.refused = [this](const ingest::Refused& one) { refused(one, kSrt); };
  auto made = srt::Listener::create(loop_, system_clock(), verifier_, srt::Policy{}, std::move(callbacks));
  if (!made) return Unexpected(made.error());
  srt_ = *std::move(made);
  return srt_->add(std::move(socket));
}

Listener::~Listener() {
  loop_.post([this] { loop_.stop(); });
  if (thread_.joinable()) thread_.join();
}

void Listener::received(uint64_t serial, int64_t mono_us) {
  auto current = current_.lock();
  if (current->serial == serial) current->last_received_us = mono_us;
}

void Listener::session_over(uint64_t serial) {
  auto current = current_.lock();
  if (current->serial == serial) current->tid.reset();
}

Result<void> Listener::check_free(CurrentLock& current, const ticket::Ticket& ticket) {
  if (current->closed) return Unexpected(ticket::kDown, "CLOSED: nothing more is taken here");
  if (current->tid && *current->tid != ticket.tid)
    return Unexpected(ticket::kConflict, "BUSY: another publisher is live here, try again later");
  if (current->tid) current->leases.received(*current->tid, current->lease_epoch, current->last_received_us);
  return {};
}

Result<void> Listener::may_enter(const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
  auto current = current_.lock();
  if (auto free = check_free(current, ticket); !free) return free;
  auto lease = current->leases.would_grant(ticket, claimant, system_clock().mono_us());
  if (!lease) return Unexpected(lease.error());
  return {};
}

Result<ingest::Grant> Listener::decide(const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
  auto current = current_.lock();
  if (auto free = check_free(current, ticket); !free) return Unexpected(free.error());
  current->leases.drop_expired(system_clock().utc_seconds());
  auto lease = current->leases.claim(ticket, claimant, system_clock().mono_us());
  if (!lease) return Unexpected(lease.error());
  return ingest::Grant{.claim = ticket::name_of(lease->kind), .tag = lease->epoch};
}

void Listener::admitted(Offer offer, const ticket::Ticket& ticket, const ingest::Grant& grant) {
  {
    auto current = current_.lock();
    offer.serial = ++current->serial;
    current->tid = ticket.tid;
    current->lease_epoch = grant.tag;
    current->last_received_us = system_clock().mono_us();
  }
  on_offer_(std::move(offer), *this);
}

void Listener::refused(const ingest::Refused& refused, const char* protocol) {
  store::RunInfo info;
  info.event = verifier_.event();
  info.station = refused.station;
  info.ticket_id = refused.ticket_id;
  info.peer = refused.peer.text;
  info.protocol = protocol;
  info.user_agent = refused.user_agent;
  on_refusal_(info, refused.text);
}

}  // namespace headgate::ticketsrc
