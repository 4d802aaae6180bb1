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

constexpr std::string_view kScheme = "rtmp://";
constexpr char kDefaultPort[] = "1935";
constexpr int kBacklog = 128;

Result<UniqueFd> listen_on(const Address& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  if (const int error = getaddrinfo(host, address.port.c_str(), &hints, &found))
    return Unexpected("uri: " + address.host + ":" + address.port + ": " + gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  int last_error = 0;
  for (const addrinfo* one = found; one; one = one->ai_next) {
    UniqueFd fd(socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
    const int on = 1;
    if (fd && setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd.get(), one->ai_addr, one->ai_addrlen) == 0 && listen(fd.get(), kBacklog) == 0)
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

store::RunInfo info_of(const ingest::Admitted& admitted) {
  store::RunInfo info;
  info.event = admitted.ticket.event;
  info.station = admitted.ticket.station;
  info.ticket_id = to_hex(admitted.ticket.tid);
  info.ticket = admitted.ticket.wire_text();
  info.peer = admitted.peer.text;
  info.protocol = "rtmp";
  info.user_agent = admitted.user_agent;
  info.claim = admitted.grant.claim;
  return info;
}

}  // namespace

Result<Address> parse_uri(const std::string& uri) {
  if (uri.compare(0, kScheme.size(), kScheme) != 0)
    return Unexpected("uri \"" + uri + "\": only rtmp://host:port/app is supported");
  std::string authority = uri.substr(kScheme.size());
  authority = authority.substr(0, authority.find('/'));
  Address address{.host = authority, .port = kDefaultPort};
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
  auto socket = listen_on(*address);
  if (!socket) return Unexpected(socket.error());

  std::unique_ptr<Listener> self(
      new Listener(std::move(keys).value(), std::move(on_offer), std::move(on_refusal)));
  self->port_ = port_of(socket->get());
  ingest::Callbacks callbacks;
  callbacks.decide = [raw = self.get()](const auto& ticket, const auto& peer) {
    return raw->decide(ticket, peer);
  };
  callbacks.admitted = [raw = self.get()](ingest::Admitted admitted) { raw->admitted(std::move(admitted)); };
  callbacks.refused = [raw = self.get()](const ingest::Refused& refused) {
    store::RunInfo info;
    info.event = raw->verifier_.event();
    info.station = refused.station;
    info.ticket_id = refused.ticket_id;
    info.peer = refused.peer.text;
    info.protocol = "rtmp";
    info.user_agent = refused.user_agent;
    raw->on_refusal_(info, refused.text);
  };
  self->listener_ = std::make_unique<ingest::Listener>(self->loop_, system_clock(), self->verifier_,
                                                       ingest::Policy{}, std::move(callbacks));
  self->listener_->add(std::move(socket).value());
  self->thread_ = std::thread([raw = self.get()] {
    pthread_setname_np(pthread_self(), "headgate-listen");
    raw->loop_.run();
    raw->listener_.reset();
  });
  return self;
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

Result<ingest::Grant> Listener::decide(const ticket::Ticket& ticket, const ingest::Peer& peer) {
  const int64_t now = system_clock().mono_us();
  {
    auto current = current_.lock();
    if (current->closed) return Unexpected(ticket::kDown, "CLOSED: nothing more is taken here");
    if (current->tid && *current->tid != ticket.tid)
      return Unexpected(ticket::kConflict, "BUSY: another publisher is live here, try again later");
    if (current->tid) leases_.received(*current->tid, current->lease_epoch, current->last_received_us);
  }
  leases_.drop_expired(system_clock().utc_seconds());
  auto lease = leases_.claim(ticket, {peer.address}, now);
  if (!lease) return Unexpected(lease.error());
  return ingest::Grant{.claim = ticket::name_of(lease->kind), .tag = lease->epoch};
}

void Listener::admitted(ingest::Admitted admitted) {
  Offer offer;
  {
    auto current = current_.lock();
    offer.serial = ++current->serial;
    current->tid = admitted.ticket.tid;
    current->lease_epoch = admitted.grant.tag;
    current->last_received_us = system_clock().mono_us();
  }
  offer.info = info_of(admitted);
  offer.socket = std::move(admitted.socket);
  offer.state = std::move(admitted.state);
  on_offer_(std::move(offer), *this);
}

}  // namespace headgate::ticketsrc
