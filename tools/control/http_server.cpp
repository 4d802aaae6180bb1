// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.h"

#include <common/actor.h>
#include <common/log.h>
#include <common/unix_listener.h>
#include <ingest/peer.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace headgate::control {
namespace {

constexpr int64_t kAcceptPauseMs = 100;  // when descriptors have run out
constexpr char kCaller[] = "headgate-caller";
constexpr char kPeer[] = "headgate-peer";    // of the connection's remote address: whose it is
constexpr char kPlace[] = "headgate-place";  // likewise: its Connections::Id
constexpr int kMaxAtOnce = 32;               // accepted, before others have their turn
constexpr int64_t kSweepMs = 1000;

Connections::Id place_of(SoupServerMessage* message) {
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  auto* place = remote ? static_cast<Connections::Id*>(g_object_get_data(G_OBJECT(remote), kPlace)) : nullptr;
  return place ? *place : 0;
}

std::string address_of(GSocketAddress* remote) {
  if (!remote || !G_IS_INET_SOCKET_ADDRESS(remote)) return "";
  gchar* text = g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(remote)));
  std::string out = text;
  g_free(text);
  return out;
}

// Whose strangers are counted together.
std::string subscriber_of(GSocketAddress* remote) {
  sockaddr_storage native{};
  if (!remote || !g_socket_address_to_native(remote, &native, sizeof native, nullptr)) return "";
  return ingest::make_peer(native).source;
}

void answer(SoupServerMessage* message, unsigned status, const std::string& error,
            const std::string& remedy) {
  soup_server_message_set_status(message, status, nullptr);
  set_headers(message, kTypeJson);
  const std::string text = error_json(error, remedy) + "\n";
  soup_message_body_append(soup_server_message_get_response_body(message), SOUP_MEMORY_COPY, text.data(),
                           text.size());
  soup_message_body_complete(soup_server_message_get_response_body(message));
  // What is sent on is not kept.
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
}

}  // namespace

HttpServer::HttpServer(Loop& loop, const Clock& clock, UniqueFd listener, Door* door, Handler handler)
    : loop_(loop),
      listener_(std::move(listener)),
      door_(door),
      handler_(std::move(handler)),
      places_(new Places{this, Connections(clock)}),
      server_(soup_server_new(nullptr, nullptr)) {
  soup_server_add_early_handler(server_, nullptr, &HttpServer::on_headers, this, nullptr);
  soup_server_add_handler(server_, nullptr, &HttpServer::on_request, this, nullptr);
  watch();
}

HttpServer::~HttpServer() {
  places_->server = nullptr;
  unwatch();
  loop_.cancel(resume_);
  loop_.cancel(sweep_);
  soup_server_disconnect(server_);
  g_object_unref(server_);
}

void HttpServer::watch() {
  if (std::exchange(watching_, true)) return;
  loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept_all(); });
}

void HttpServer::unwatch() {
  if (std::exchange(watching_, false)) loop_.unwatch(listener_.get());
}

void HttpServer::accept_all() {
  // What is closed for others is let go of by libsoup, which has to have its turn.
  for (int taken = 0; watching_ && taken < kMaxAtOnce; ++taken) {
    if (!places_->open.has_place()) return unwatch();
    UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd) {
      give_to_libsoup(std::move(fd));
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
    unwatch();
    resume_ = loop_.after_ms(kAcceptPauseMs, [this] {
      resume_ = 0;
      watch();
    });
  }
}

void HttpServer::give_to_libsoup(UniqueFd fd) {
  GSocket* socket = g_socket_new_from_fd(fd.get(), nullptr);
  if (!socket) return;
  fd.release();
  g_socket_set_timeout(socket, kIdleSeconds);
  GSocketConnection* connection = g_socket_connection_factory_create_connection(socket);
  g_object_unref(socket);  // the connection has it
  GSocketAddress* local = g_socket_connection_get_local_address(connection, nullptr);
  GSocketAddress* remote = g_socket_connection_get_remote_address(connection, nullptr);
  // libsoup closes it when it reads that there is no more.
  const Connections::Id id = places_->open.add(subscriber_of(remote), !door_,
                                               [socket] { g_socket_shutdown(socket, TRUE, TRUE, nullptr); });
  using Taken = std::pair<std::shared_ptr<Places>, Connections::Id>;
  g_object_weak_ref(
      G_OBJECT(connection),
      [](gpointer data, GObject*) {
        auto* taken = static_cast<Taken*>(data);
        taken->first->open.remove(taken->second);
        HttpServer* server = taken->first->server;
        if (server && server->resume_ == 0) server->watch();
        delete taken;
      },
      new Taken(places_, id));
  if (sweep_ == 0) sweep();
  if (remote)
    g_object_set_data_full(G_OBJECT(remote), kPlace, new Connections::Id(id),
                           [](gpointer data) { delete static_cast<Connections::Id*>(data); });
  if (local && remote && !door_) {
    const tools::Actor actor = tools::actor_of_peer(g_socket_get_fd(socket), tools::kAdminSocket);
    g_object_set_data_full(G_OBJECT(remote), kPeer, new Caller{actor.by, true, actor.from},
                           [](gpointer data) { delete static_cast<Caller*>(data); });
  }
  if (local && remote) soup_server_accept_iostream(server_, G_IO_STREAM(connection), local, remote, nullptr);
  g_clear_object(&local);
  g_clear_object(&remote);
  g_object_unref(connection);
}

void HttpServer::recheck() {
  if (door_) places_->open.recheck([this](const std::string& token) { return door_->knows(token); });
}

void HttpServer::sweep() {
  places_->open.close_overdue();
  sweep_ = places_->open.size() == 0 ? 0 : loop_.after_ms(kSweepMs, [this] { sweep(); });
}

bool HttpServer::admit(SoupServerMessage* message) {
  Caller caller{"", true, tools::kAdminSocket};
  if (door_) {
    const char* authorization =
        soup_message_headers_get_one(soup_server_message_get_request_headers(message), "Authorization");
    auto entered = door_->enter(authorization ? authorization : "",
                                address_of(soup_server_message_get_remote_address(message)));
    if (entered && !places_->open.has_headers(place_of(message), entered->token))
      entered = Unexpected(429, "more than " + std::to_string(kMaxOfToken) + " connections with this token");
    if (!entered) {
      places_->open.has_headers(place_of(message), "");
      SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
      if (entered.error().code == 401) {
        soup_message_headers_replace(headers, "WWW-Authenticate", "Bearer realm=\"headgate\"");
        answer(message, 401, entered.error().message, "send 'Authorization: Bearer TOKEN'");
      } else {
        soup_message_headers_replace(headers, "Retry-After", "60");
        answer(message, 429, entered.error().message, "try again in a minute");
      }
      return false;
    }
    caller = *entered;
  } else if (GSocketAddress* remote = soup_server_message_get_remote_address(message)) {
    if (auto* peer = static_cast<Caller*>(g_object_get_data(G_OBJECT(remote), kPeer))) caller = *peer;
  }
  g_object_set_data_full(G_OBJECT(message), kCaller, new Caller(caller),
                         [](gpointer data) { delete static_cast<Caller*>(data); });
  return true;
}

// Before a body is read.
void HttpServer::on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                            gpointer data) {
  if (!static_cast<HttpServer*>(data)->admit(message)) return;
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  const SoupEncoding encoding = soup_message_headers_get_encoding(headers);
  if (std::string_view(path).size() > kMaxPathBytes)
    answer(message, 414, "the address is too long", "no address here is longer than 1024 bytes");
  else if (encoding != SOUP_ENCODING_NONE && encoding != SOUP_ENCODING_CONTENT_LENGTH)
    answer(message, 411, "a body without its length", "send Content-Length");
  else if (encoding == SOUP_ENCODING_CONTENT_LENGTH &&
           soup_message_headers_get_content_length(headers) > kMaxBodyBytes)
    answer(message, 413, "the body is too large", "no body here is larger than 16 kB");
}

void HttpServer::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                            gpointer data) {
  auto* caller = static_cast<Caller*>(g_object_get_data(G_OBJECT(message), kCaller));
  static_cast<HttpServer*>(data)->places_->open.has_body(place_of(message));
  if (caller) static_cast<HttpServer*>(data)->handler_(std::make_shared<Exchange>(message, path, *caller));
}

}  // namespace headgate::control
