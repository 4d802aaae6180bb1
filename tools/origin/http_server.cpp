// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http_server.h"

#include <base/clock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "plain_request.h"
#include "turns.h"
#include "whose.h"

namespace headgate::origin {
namespace {

constexpr int64_t kSweepMs = 100;
constexpr char kAsked[] = "headgate-asked";        // when a message's request came
constexpr char kRequests[] = "headgate-requests";  // counted at the connection's address
constexpr char kSeat[] = "headgate-seat";          // likewise: weak, the connection's own
constexpr char kEventStream[] = "text/event-stream";

bool says_close(SoupMessageHeaders* headers) {
  return soup_message_headers_header_contains(headers, "Connection", "close");
}

// Null: it has gone.
Place seat_of(SoupServerMessage* message) {
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  auto* seat =
      remote ? static_cast<std::weak_ptr<Seat>*>(g_object_get_data(G_OBJECT(remote), kSeat)) : nullptr;
  return seat ? seat->lock() : nullptr;
}

void set_phase(SoupServerMessage* message, Seat::Phase phase) {
  if (const Place seat = seat_of(message)) seat->set(phase, system_clock().mono_us());
}

// An answer of which there is no more for now has no headers that say so, but for one kind.
void on_sends(SoupServerMessage* message, gpointer) {
  const char* type =
      soup_message_headers_get_content_type(soup_server_message_get_response_headers(message), nullptr);
  if (!type || std::string_view(type) != kEventStream) set_phase(message, Seat::Phase::sending);
}

void on_took(SoupServerMessage* message, guint, gpointer) {
  if (const Place seat = seat_of(message)) seat->took(system_clock().mono_us());
}

}  // namespace

HttpServer::HttpServer(Loop& loop, UniqueFd listener, const ConnectionLimits& limits, Handler handler,
                       MediaConnections::Handler media)
    : loop_(loop),
      listener_(std::move(listener)),
      seats_(system_clock(), limits, [this] { watch(); }),
      handler_(std::move(handler)),
      server_(soup_server_new(nullptr, nullptr)) {
  soup_server_add_early_handler(server_, nullptr, &HttpServer::on_headers, this, nullptr);
  soup_server_add_handler(server_, nullptr, &HttpServer::on_request, this, nullptr);
  if (media)
    media_ = std::make_unique<MediaConnections>(loop, std::move(media), [this](UniqueFd fd, Place place) {
      give_to_libsoup(std::move(fd), std::move(place));
    });
  g_signal_connect(server_, "request-started", G_CALLBACK(&HttpServer::on_started), this);
}

void HttpServer::count_in(Requests& requests) {
  requests_ = &requests;
  if (media_) media_->count_in(requests);
}

HttpServer::~HttpServer() {
  retired_ = true;  // whoever goes with it makes no room
  media_.reset();
  pause(false);
  loop_.cancel(sweeper_);
  loop_.cancel(resume_);
  soup_server_disconnect(server_);
  g_object_unref(server_);
}

void HttpServer::open() {
  open_ = true;
  watch();
}

void HttpServer::retire() {
  retired_ = true;
  pause(false);
  if (media_) media_->retire();
}

void HttpServer::watch() {
  if (!open_ || retired_) return;
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
  while (watching_ && accept_one()) {
    if (!seats_.full()) continue;
    seats_.make_way();
    pause(false);  // until somebody has gone
  }
}

void HttpServer::sweep() {
  seats_.sweep();
  if (seats_.full()) seats_.make_way();
  if (seats_.open() > 0) return;
  loop_.cancel(sweeper_);
  sweeper_ = 0;
}

bool HttpServer::accept_one() {
  sockaddr_storage remote{};
  socklen_t size = sizeof remote;
  UniqueFd fd(
      ::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&remote), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    const int error = errno;
    if (error == EMFILE || error == ENFILE) seats_.make_way();
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) pause(true);
    return error == EINTR || error == ECONNABORTED;
  }
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Place place = seats_.take(remote);
  if (!place) return true;
  if (sweeper_ == 0) sweeper_ = loop_.every_ms(kSweepMs, [this] { sweep(); });
  if (media_)
    media_->take(std::move(fd), std::move(place));
  else
    give_to_libsoup(std::move(fd), std::move(place));
  return true;
}

void HttpServer::give_to_libsoup(UniqueFd fd, Place place) {
  GSocket* socket = g_socket_new_from_fd(fd.get(), nullptr);
  if (!socket) return;
  fd.release();
  g_socket_set_timeout(socket, kIdleSeconds);
  GSocketConnection* connection = g_socket_connection_factory_create_connection(socket);
  // libsoup closes it when it reads that there is no more, or cannot write.
  place->when_to_end([kept = std::shared_ptr<GSocket>(socket, g_object_unref)] {
    g_socket_shutdown(kept.get(), TRUE, TRUE, nullptr);
  });
  const std::weak_ptr<Seat> seat = place;
  // Its place is free when it is closed.
  g_object_weak_ref(
      G_OBJECT(connection), [](gpointer data, GObject*) { delete static_cast<Place*>(data); },
      new Place(std::move(place)));
  GSocketAddress* local = g_socket_connection_get_local_address(connection, nullptr);
  GSocketAddress* remote = g_socket_connection_get_remote_address(connection, nullptr);
  if (remote)
    g_object_set_data_full(G_OBJECT(remote), kSeat, new std::weak_ptr<Seat>(seat),
                           [](gpointer data) { delete static_cast<std::weak_ptr<Seat>*>(data); });
  if (remote) note_socket(remote, g_socket_get_fd(g_socket_connection_get_socket(connection)));
  if (local && remote) soup_server_accept_iostream(server_, G_IO_STREAM(connection), local, remote, nullptr);
  g_clear_object(&local);
  g_clear_object(&remote);
  g_object_unref(connection);
}

void HttpServer::on_started(SoupServer*, SoupServerMessage* message, gpointer self) {
  g_signal_connect(message, "wrote-headers", G_CALLBACK(on_sends), nullptr);
  g_signal_connect(message, "wrote-body-data", G_CALLBACK(on_took), nullptr);
  g_signal_connect(message, "wrote-body", G_CALLBACK(&HttpServer::on_answered), self);
}

// libsoup 3.2 never lets go of a connection that its client closes between two requests. So none waits there:
// each is taken back when its answer has been sent, and accepted anew. (Each time it is wrapped once more,
// with what had been read ahead: hence kMaxRequests.)
void HttpServer::on_answered(SoupServerMessage* message, gpointer data) {
  auto* self = static_cast<HttpServer*>(data);
  set_phase(message, Seat::Phase::asking);
  GSocketAddress* local = soup_server_message_get_local_address(message);
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  if (soup_server_message_get_http_version(message) != SOUP_HTTP_1_1 || !local || !remote ||
      says_close(soup_server_message_get_request_headers(message)) ||
      says_close(soup_server_message_get_response_headers(message)))
    return;
  g_object_ref(message);
  g_object_ref(local);
  g_object_ref(remote);
  GIOStream* stream = soup_server_message_steal_connection(message);
  if (stream) soup_server_accept_iostream(self->server_, stream, local, remote, nullptr);
  g_clear_object(&stream);
  g_object_unref(remote);
  g_object_unref(local);
  g_object_unref(message);
}

// From here on; the message may outlive this, but not the count.
void HttpServer::count_answer(SoupServerMessage* message, const char* path) {
  struct Asked {
    Requests& requests;
    RequestClass kind;
    int64_t since_us;
  };
  if (!requests_) return;
  auto asked = std::make_unique<Asked>(Asked{*requests_, class_of(path), Turns::request_us()});
  requests_->asked(asked->kind, socket_of(message), system_clock().mono_us());
  const auto begun = +[](SoupServerMessage* answered, Asked* of) {
    of->requests.answered(of->kind, soup_server_message_get_status(answered),
                          system_clock().mono_us() - of->since_us, has_waited(answered));
  };
  const auto wrote = +[](SoupServerMessage*, guint size, Asked* of) { of->requests.sent(of->kind, size); };
  g_signal_connect(message, "wrote-headers", G_CALLBACK(begun), asked.get());
  g_signal_connect(message, "wrote-body-data", G_CALLBACK(wrote), asked.get());
  g_object_set_data_full(G_OBJECT(message), kAsked, asked.release(),
                         [](gpointer of) { delete static_cast<Asked*>(of); });
}

// Before a body is read: none is wanted, and none is kept.
void HttpServer::on_headers(SoupServer*, SoupServerMessage* message, const char* path, GHashTable*,
                            gpointer self) {
  set_phase(message, Seat::Phase::waiting);
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  const int requests =
      remote ? GPOINTER_TO_INT(g_object_get_data(G_OBJECT(remote), kRequests)) + 1 : kMaxRequests;
  if (remote) g_object_set_data(G_OBJECT(remote), kRequests, GINT_TO_POINTER(requests));
  if (requests >= kMaxRequests || static_cast<HttpServer*>(self)->retired_)
    soup_message_headers_replace(soup_server_message_get_response_headers(message), "Connection", "close");
  static_cast<HttpServer*>(self)->count_answer(message, path);
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
    reply.any_origin = is_public_media(path);
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
