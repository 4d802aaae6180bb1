// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <utility>

namespace headgate::origin {
namespace {

// libsoup keeps a connection open for the next request only while it listens somewhere, and the public socket
// is ours. So it is given one that nobody can reach: an unnamed place in the abstract namespace of Unix
// sockets.
void listen_nowhere(SoupServer* server) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address.sun_family) != 0 ||
      ::listen(fd.get(), 1) != 0)
    return;
  GSocket* socket = g_socket_new_from_fd(fd.get(), nullptr);
  if (!socket) return;
  fd.release();
  soup_server_listen_socket(server, socket, static_cast<SoupServerListenOptions>(0), nullptr);
  g_object_unref(socket);
}

}  // namespace

HttpServer::HttpServer(Loop& loop, UniqueFd listener, int64_t max_connections, Handler handler)
    : loop_(loop),
      listener_(std::move(listener)),
      max_connections_(max_connections),
      count_(std::make_shared<Count>(Count{this})),
      handler_(std::move(handler)),
      server_(soup_server_new(nullptr, nullptr)) {
  soup_server_add_early_handler(server_, nullptr, &HttpServer::on_headers, this, nullptr);
  soup_server_add_handler(server_, nullptr, &HttpServer::on_request, this, nullptr);
  listen_nowhere(server_);
  watch();
}

HttpServer::~HttpServer() {
  count_->server = nullptr;
  pause(false);
  loop_.cancel(resume_);
  soup_server_disconnect(server_);
  g_object_unref(server_);
}

void HttpServer::watch() {
  if (std::exchange(watching_, true)) return;
  loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept_all(); });
}

// New connections wait in the kernel's queue until watch() is called again.
void HttpServer::pause(bool for_a_while) {
  if (std::exchange(watching_, false)) loop_.unwatch(listener_.get());
  if (for_a_while && resume_ == 0)
    resume_ = loop_.after_ms(kAcceptPauseMs, [this] {
      resume_ = 0;
      watch();
    });
}

void HttpServer::accept_all() {
  while (watching_ && accept_one())
    if (count_->open >= max_connections_) pause(false);
}

bool HttpServer::accept_one() {
  UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause(true);
    return errno == EINTR || errno == ECONNABORTED;
  }
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  GSocket* socket = g_socket_new_from_fd(fd.get(), nullptr);
  if (!socket) return true;
  fd.release();
  g_socket_set_timeout(socket, kIdleSeconds);
  GSocketConnection* connection = g_socket_connection_factory_create_connection(socket);
  g_object_unref(socket);
  ++count_->open;
  g_object_weak_ref(
      G_OBJECT(connection),
      [](gpointer data, GObject*) {
        std::unique_ptr<std::shared_ptr<Count>> holder(static_cast<std::shared_ptr<Count>*>(data));
        Count& count = **holder;
        bool full = count.server && count.open >= count.server->max_connections_;
        --count.open;
        if (full) count.server->watch();
      },
      new std::shared_ptr<Count>(count_));
  GSocketAddress* local = g_socket_connection_get_local_address(connection, nullptr);
  GSocketAddress* remote = g_socket_connection_get_remote_address(connection, nullptr);
  if (local && remote) soup_server_accept_iostream(server_, G_IO_STREAM(connection), local, remote, nullptr);
  g_clear_object(&local);
  g_clear_object(&remote);
  g_object_unref(connection);
  return true;
}

// Before a body is read: none is wanted, and none is kept.
void HttpServer::on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                            gpointer) {
  soup_message_body_set_accumulate(soup_server_message_get_request_body(message), FALSE);
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  // One range is served; several at once are the whole.
  const char* range = soup_message_headers_get_one(headers, "Range");
  if (range && g_strrstr(range, ",")) soup_message_headers_remove(headers, "Range");
  const char* method = soup_server_message_get_method(message);
  bool reads = method == SOUP_METHOD_GET || method == SOUP_METHOD_HEAD;
  if (std::string_view(path).size() > kMaxPathBytes) {
    send_reply(message, text_reply(414, "The address is too long."));
  } else if (method == SOUP_METHOD_OPTIONS) {  // a browser asks before a request with a range
    SoupMessageHeaders* response = soup_server_message_get_response_headers(message);
    soup_message_headers_replace(response, "Access-Control-Allow-Headers", "Range");
    soup_message_headers_replace(response, "Access-Control-Max-Age", "86400");
    Reply reply = text_reply(200, "GET, HEAD");
    reply.any_origin = true;
    send_reply(message, std::move(reply));
  } else if (!reads) {
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Allow", "GET, HEAD");
    send_reply(message, text_reply(405, "Only GET and HEAD are answered here."));
  } else if (soup_message_headers_get_encoding(headers) != SOUP_ENCODING_NONE &&
             soup_message_headers_get_content_length(headers) != 0) {
    send_reply(message, text_reply(413, "A request has no body here."));
  } else {
    return;
  }
  // What the client goes on sending is not waited for.
  soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection", "close");
}

void HttpServer::on_request(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                            gpointer self) {
  static_cast<HttpServer*>(self)->handler_(message, path);
}

}  // namespace headgate::origin
