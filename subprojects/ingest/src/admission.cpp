// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is let in. The socket's side is in admission_io.cpp.
#include <base/encoding.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <ticket/secret.h>

#include <algorithm>

#include "admission.h"

namespace headgate::ingest {
namespace {

constexpr std::string_view kNeedsPassword =
    "needs user and password: publish to the whole URL of the ticket, rtmp://USER:PASSWORD@HOST/lt/KEY";
// For the log: all that can be told of a ticket that another folder of keys has made.
constexpr std::string_view kWrongPassword = "wrong-password";
constexpr std::string_view kWrongHint =
    " (mistyped, or of a ticket that was made with other keys than are here)";
// On TLS a client may send its secret, and has to be let through `connect` to do so: by its application's
// name it asks to be challenged instead.
constexpr std::string_view kChallengeApp = "auth";
constexpr std::string_view kTooManyFailures =
    "too many failed attempts from your network: try again in a minute";

}  // namespace

Admission::Admission(Shared& shared, uint64_t id, const PortSettings& port, UniqueFd socket,
                     const sockaddr_storage& address)
    : shared_(shared),
      id_(id),
      port_(port),
      address_(address),
      socket_(socket.get()),
      stream_(std::move(socket)),
      peer_(make_peer(address)),
      stage_(port.proxies ? Stage::kProxyHeader : Stage::kRtmp),
      server_(shared.policy.rtmp),
      receive_waits_(EPOLLIN),
      send_waits_(EPOLLOUT) {
  int64_t now = shared_.clock.mono_us();
  connect_deadline_us_ = now + shared_.policy.connect_timeout_us;
  deadline_us_ = now + shared_.policy.publish_timeout_us;
}

Admission::~Admission() {
  shared_.places.remove(id_);
  if (stage_ == Stage::kTls) --shared_.counters.handshakes;
}

// Three connections make one authentication (rtmp/adobe_auth.h); the first two are not failures.
std::optional<std::string> Admission::on_connect(const rtmp::ConnectRequest& request) {
  auto query = rtmp::parse_adobe_query(request.query);
  if (!query && stream_.is_tls() && request.app != kChallengeApp) {
    connected_ = true;
    return std::nullopt;
  }
  if (!query) {
    ++shared_.counters.challenged;
    return rtmp::AdobeAuth::need_auth(kNeedsPassword);
  }
  if (!query->response.empty()) return check_response(*query);
  if (shared_.verifier.passwords_of_user(query->user).empty()) {
    count_failure();
    report(ticket::kUnauthorized, "user name of another event or node");
    return rtmp::AdobeAuth::no_such_user();
  }
  ++shared_.counters.challenged;
  return shared_.auth.challenge(query->user, peer_.address, shared_.clock.mono_us() / 1'000'000);
}

std::optional<std::string> Admission::check_response(const rtmp::AdobeQuery& query) {
  if (shared_.budget.exhausted(peer_, shared_.clock.mono_us())) {
    report(ticket::kOverload, std::string(kTooManyFailures));
    return std::to_string(ticket::kOverload) + " " + std::string(kTooManyFailures);
  }
  auto kid = shared_.auth.check(query, peer_.address, shared_.clock.mono_us() / 1'000'000,
                                shared_.verifier.passwords_of_user(query.user));
  if (!kid) {
    count_failure();
    const std::string& why = kid.error().message;
    report(ticket::kUnauthorized,
           "password: " + why + (why == kWrongPassword ? std::string(kWrongHint) : ""));
    return rtmp::AdobeAuth::failed(kid.error().message);
  }
  connected_ = true;
  user_ = query.user;
  shared_.places.proved(id_);
  kid_ = static_cast<uint8_t>(*kid);
  return std::nullopt;
}

// In the order of docs/tickets.md 1.5, with the failure budget before the signature.
Result<Grant> Admission::judge(const std::string& name) {
  if (shared_.budget.exhausted(peer_, shared_.clock.mono_us()))
    return Unexpected(ticket::kOverload, std::string(kTooManyFailures));
  auto key = ticket::parse_publish_name(name);
  if (!key) return Unexpected(key.error());
  if (key->app && !stream_.is_tls())
    return Unexpected(ticket::kBadRequest, "t=, d=, p= and m= are for RTMPS only");
  if (key->secret && !stream_.is_tls())
    return Unexpected(
        ticket::kBadRequest,
        "the key has the secret in it, which must not be sent without TLS: the key is only what "
        "stands before the dot");
  auto ticket = shared_.verifier.verify(key->wire, shared_.clock.utc_seconds(), key->station);
  if (!ticket) return Unexpected(ticket.error());
  ticket_ = *ticket;
  if (auto proved = prove(*key); !proved) return Unexpected(proved.error());
  // decide() gives somebody's place away: before it, what could still stand in the way of taking it.
  if (stream_.is_tls() && !make_pair())
    return Unexpected(ticket::kDown, "DOWN: this server has no more room. Use the ticket's next server.");
  if (!shared_.callbacks.decide) return Grant{};
  return shared_.callbacks.decide(*ticket_, {peer_.address, device_});
}

bool Admission::make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return false;
  worker_end_ = UniqueFd(ends[0]);
  relay_end_ = UniqueFd(ends[1]);
  return true;
}

Result<void> Admission::prove(const ticket::PublishName& name) {
  if (name.app) return check_app(*name.app);
  return user_.empty() ? check_bearer(name.secret.value_or("")) : check_user();
}

// That the password which was proved is this ticket's.
Result<void> Admission::check_user() const {
  auto tid = from_base32(user_);
  bool same_user = tid && std::ranges::equal(*tid, ticket_->tid);
  if (!same_user || ticket_->kid != kid_)
    return Unexpected(ticket::kUnauthorized, "user and key are of two different tickets");
  if (!stream_.is_tls() && !(ticket_->flags & ticket::kFlagChallengePlain))
    return Unexpected(ticket::kForbidden, "this ticket may not be used on plain RTMP");
  return {};
}

// The secret as such, behind the key: over TLS only.
Result<void> Admission::check_bearer(const std::string& secret) const {
  if (secret.empty())
    return Unexpected(
        ticket::kUnauthorized,
        "the key needs the secret behind it (KEY.SECRET), or the application 'auth' with user and "
        "password");
  if (!(ticket_->flags & ticket::kFlagBearerOverTls))
    return Unexpected(ticket::kForbidden,
                      "this ticket's secret may not be sent: use application 'auth' with user "
                      "and password");
  auto sent = from_base64url(secret);
  auto seed = shared_.verifier.seed_of(*ticket_);
  if (!sent || !seed || !ticket::same_secret(*sent, *seed))
    return Unexpected(ticket::kUnauthorized, "the secret behind the key is not this ticket's");
  return {};
}

// That whoever has the device's key knows the seed, and then that it is this device.
Result<void> Admission::check_app(const ticket::AppProof& proof) {
  auto seed = shared_.verifier.seed_of(*ticket_);
  if (!seed || !ticket::same_secret(proof.mac, ticket::possession_mac(*seed, *ticket_, proof.device)))
    return Unexpected(ticket::kUnauthorized, "m= is not made with this ticket's secret");
  auto device = shared_.verifier.verify_device(*ticket_, proof.device);
  if (!device) return Unexpected(device.error());
  device_ = *device;
  return {};
}

// `publish` was read and everything before it is answered.
bool Admission::decide() {
  auto grant = judge(server_.publish_request().name);
  if (!grant) {
    worker_end_.reset();
    relay_end_.reset();
    int code = grant.error().code;
    if (code == ticket::kBadRequest || code == ticket::kUnauthorized || code == ticket::kForbidden)
      count_failure();
    report(code, grant.error().message);
    server_.refuse_publish(code, grant.error().message);
    return go_on();
  }
  ++shared_.counters.admitted;
  admitted_.emplace();
  admitted_->ticket = *ticket_;
  admitted_->peer = peer_;
  admitted_->user_agent = server_.connect_request().flash_ver;
  admitted_->device = device_;
  admitted_->grant = std::move(*grant);
  admitted_->state = server_.save();
  admitted_->tls = stream_.is_tls();
  admitted_->socket = std::move(worker_end_);
  return false;
}

std::optional<Admitted> Admission::take_admitted() {
  if (!admitted_) return std::nullopt;
  socket_ = -1;
  if (stream_.is_tls()) {
    shared_.handshakes.forgive(peer_.network, handshake_us_, shared_.clock.mono_us());
    stream_.admitted();
    port_.relays->add(std::move(stream_), std::move(relay_end_));
  } else {
    admitted_->socket = stream_.take_socket();
  }
  return std::exchange(admitted_, std::nullopt);
}

void Admission::count_failure() {
  shared_.budget.failed(peer_, shared_.clock.mono_us());
}

void Admission::report(int code, const std::string& text) {
  ++shared_.counters.refused[code];
  if (!shared_.callbacks.refused) return;
  Refused refused;
  refused.code = code;
  refused.text = text;
  refused.peer = peer_;
  refused.user_agent = server_.connect_request().flash_ver;
  if (ticket_) {
    refused.ticket_id = to_hex(ticket_->tid);
    refused.station = ticket_->station;
  }
  shared_.callbacks.refused(refused);
}

}  // namespace headgate::ingest
