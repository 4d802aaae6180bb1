// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.h"

#include <base/clock.h>
#include <common/log.h>
#include <glib-unix.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>

#include "error_lines.h"
#include "plain_request.h"
#include "turns.h"
#include "whose.h"

namespace headgate::origin {
namespace {

constexpr char kRetryAfterSeconds[] = "1";
constexpr size_t kUsualHeaderBytes = 768;  // of an answer with media

// docs/api.md
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'";

// Who asks has it already.
bool is_known(SoupServerMessage* message, const Reply& reply) {
  const char* known =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), "If-None-Match");
  return reply.status == SOUP_STATUS_OK && known && !reply.etag.empty() &&
         std::string_view(known).find(reply.etag) != std::string_view::npos;
}

struct Asked {
  uint64_t first, last;  // with the last
};

// The part of `length` bytes that is asked for; none: all of them. A first one behind the end is possible.
std::optional<Asked> asked_part(SoupServerMessage* message, uint64_t length) {
  SoupMessageHeaders* headers = soup_server_message_get_request_headers(message);
  SoupRange* ranges = nullptr;
  int count = 0;
  if (length == 0 || !soup_message_headers_get_ranges(headers, static_cast<goffset>(length), &ranges, &count))
    return std::nullopt;
  const SoupRange one = ranges[0];
  soup_message_headers_free_ranges(headers, ranges);
  if (count != 1) return std::nullopt;
  // Before the beginning: more last bytes than there are. Behind the end: less is there than was asked for.
  return Asked{static_cast<uint64_t>(std::max<goffset>(one.start, 0)),
               std::min(static_cast<uint64_t>(one.end), length - 1)};
}

// The Server-Timing of an answer that begins now (W3C Server Timing, 2.1), in milliseconds.
std::string timing(int64_t asked_us) {
  const int64_t us = std::max<int64_t>(system_clock().mono_us() - asked_us, 0);
  const std::string rest = std::to_string(us % 1000);
  return "origin;dur=" + std::to_string(us / 1000) + "." + std::string(3 - rest.size(), '0') + rest;
}

// What every answer says of itself, its type apart.
template <typename Header>
void each_header(const Reply& reply, Header&& header) {
  header("Cache-Control", reply.cache);
  header("X-Content-Type-Options", "nosniff");
  header("Referrer-Policy", "no-referrer");
  header("Content-Security-Policy", kPolicy);
  if (reply.any_origin) header("Access-Control-Allow-Origin", "*");
  if (reply.ranges) header("Accept-Ranges", "bytes");
  if (!reply.etag.empty()) header("ETag", reply.etag.c_str());
  if (!reply.content_range.empty()) header("Content-Range", reply.content_range.c_str());
  if (reply.text) header("Vary", "Accept-Encoding");
  if (reply.gzip) header("Content-Encoding", "gzip");
  if (reply.status == SOUP_STATUS_SERVICE_UNAVAILABLE) header("Retry-After", kRetryAfterSeconds);
  if (reply.asked_us > 0) header("Server-Timing", timing(reply.asked_us).c_str());
}

constexpr char kWaited[] = "headgate-waited";  // at a message
constexpr char kSocket[] = "headgate-socket";  // at a remote address; one more than the descriptor

// As RFC 9110, 5.6.7 has it; made once a second.
const std::string& date_now() {
  static time_t made_at = 0;
  static std::string text;
  const time_t now = ::time(nullptr);
  if (now == made_at) return text;
  made_at = now;
  GDateTime* date = g_date_time_new_from_unix_utc(now);
  gchar* made = soup_date_time_to_string(date, SOUP_DATE_HTTP);
  text = made;
  g_free(made);
  g_date_time_unref(date);
  return text;
}

// Of all requests.
ErrorLines& media_errors() {
  static ErrorLines lines;
  return lines;
}

}  // namespace

BytesPtr bytes_of(const std::string& text) {
  return BytesPtr(g_bytes_new(text.data(), text.size()));
}

Reply text_reply(unsigned status, const std::string& text) {
  Reply reply;
  reply.status = status;
  reply.body = bytes_of(text + "\n");
  return reply;
}

Reply json_reply(const std::string& json) {
  Reply reply;
  reply.type = kTypeJson;
  reply.body = bytes_of(json + "\n");
  return reply;
}

Reply not_there_reply(const std::string& what) {
  Reply reply = text_reply(SOUP_STATUS_NOT_FOUND, what);
  reply.any_origin = true;
  return reply;
}

Reply playlist_reply(TextPtr text) {
  if (!text || text->empty()) return not_there_reply("This stream has no media yet.");
  Reply reply;
  reply.type = kTypePlaylist;
  reply.cache = kCacheRevalidate;
  reply.any_origin = true;
  reply.text = std::move(text);
  return reply;
}

void note_socket(GSocketAddress* remote, int fd) {
  g_object_set_data(G_OBJECT(remote), kSocket, GINT_TO_POINTER(fd + 1));
}

int socket_of(SoupServerMessage* message) {
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  return remote ? GPOINTER_TO_INT(g_object_get_data(G_OBJECT(remote), kSocket)) - 1 : -1;
}

bool has_waited(SoupServerMessage* message) {
  return g_object_get_data(G_OBJECT(message), kWaited) != nullptr;
}

void choose_coding(Reply& reply, bool accepts_gzip) {
  if (!reply.text) return;
  GBytes* packed = accepts_gzip ? reply.text->packed() : nullptr;
  reply.gzip = packed != nullptr;
  reply.body.reset(g_bytes_ref(packed ? packed : reply.text->plain().get()));
  if (!packed) return;
  reply.end = reply.text->packed_end(reply.end);
  // Other bytes, another name (RFC 9110, 8.8.3.3).
  if (!reply.etag.empty()) reply.etag.insert(reply.etag.size() - 1, "-gzip");
}

Reply media_error_reply(const Error& error) {
  const bool is_gone = error.code == ENOENT || error.code == ENODATA;
  if (error.code != EBUSY)
    if (const auto line = media_errors().line(error.message, system_clock().mono_us()))
      tools::log_warning("a segment cannot be read: " + *line);
  Reply reply = is_gone ? text_reply(SOUP_STATUS_GONE, "The media of this segment cannot be read any more.")
                        : text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE,
                                     "The media of this segment cannot be read now; try again.");
  reply.any_origin = true;
  return reply;
}

Reply media_reply(Result<FileRange> found, const char* type, std::string etag) {
  if (!found) return media_error_reply(found.error());
  Reply reply;
  reply.type = type;
  reply.cache = kCacheForever;
  reply.any_origin = true;
  reply.ranges = true;
  reply.etag = std::move(etag);
  reply.file = *std::move(found);
  return reply;
}

void send_reply(SoupServerMessage* message, Reply reply) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  const char* codings =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), "Accept-Encoding");
  choose_coding(reply, codings && accepts_gzip(codings));
  // It is cut already where it can be; libsoup does not cut it once more.
  soup_message_headers_remove(soup_server_message_get_request_headers(message), "Range");
  each_header(reply, [&](const char* name, const char* value) {
    soup_message_headers_replace(headers, name, value);
  });
  if (is_known(message, reply))
    return soup_server_message_set_status(message, SOUP_STATUS_NOT_MODIFIED, nullptr);
  soup_server_message_set_status(message, reply.status, nullptr);
  soup_message_headers_set_content_type(headers, reply.type, nullptr);
  if (!reply.body) return;
  SoupMessageBody* body = soup_server_message_get_response_body(message);
  soup_message_body_append_bytes(body, reply.body.get());
  if (!reply.end.empty())
    soup_message_body_append(body, SOUP_MEMORY_COPY, reply.end.data(), reply.end.size());
  soup_message_body_complete(body);
}

std::string header_text(const Reply& reply, bool close) {
  std::string out;
  out.reserve(kUsualHeaderBytes);
  auto header = [&](const char* name, const char* value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  out.append("HTTP/1.1 ").append(std::to_string(reply.status)).append(" ");
  out.append(soup_status_get_phrase(reply.status)).append("\r\n");
  header("Date", date_now().c_str());
  each_header(reply, header);
  if (close) header("Connection", "close");
  header("Content-Type", reply.type);
  if (reply.more) {
    header("Transfer-Encoding", "chunked");
    return out.append("\r\n");
  }
  const uint64_t length = reply.file   ? reply.file->length()
                          : reply.body ? g_bytes_get_size(reply.body.get()) + reply.end.size()
                                       : 0;
  header("Content-Length", std::to_string(length).c_str());
  out.append("\r\n");
  return out;
}

// A message of the admin's socket has none.
std::string whose_is(SoupServerMessage* message) {
  sockaddr_storage native{};
  GSocketAddress* remote = soup_server_message_get_remote_address(message);
  if (!remote || !g_socket_address_to_native(remote, &native, sizeof native, nullptr)) return "";
  std::string out = stranger(native);
  const char* forwarded =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), "X-Forwarded-For");
  return out.empty() && forwarded ? stranger(forwarded_for(forwarded)) : out;
}

Answer::Answer(std::string whose) : whose_(std::move(whose)), asked_us_(Turns::request_us()) {}

void Answer::send(Reply reply) {
  if (std::exchange(sent_, true)) return;
  when_gone_ = nullptr;
  if (reply.text && !waited_) reply.asked_us = asked_us_;
  write(std::move(reply));
}

void Answer::when_gone(std::function<void()> call) {
  when_gone_ = std::move(call);
  watch();
}

void Answer::gone() {
  if (const auto call = std::exchange(when_gone_, nullptr)) call();
}

void Answer::send_if_none() {
  if (!sent_) send(text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE, "not answered"));
}

SoupAnswer::SoupAnswer(SoupServerMessage* message)
    : Answer(whose_is(message)), message_(static_cast<SoupServerMessage*>(g_object_ref(message))) {
  finished_handler_ = g_signal_connect_swapped(message_, "finished", G_CALLBACK(+[](SoupAnswer* self) {
                                                 self->forget_watch();
                                                 self->gone_ = true;
                                                 self->gone();
                                               }),
                                               this);
  soup_server_message_pause(message_);
}

SoupAnswer::~SoupAnswer() {
  g_signal_handler_disconnect(message_, finished_handler_);
  forget_watch();
  send_if_none();
  g_object_unref(message_);
}

void SoupAnswer::watch() {
  const int fd = socket_of(message_);
  if (fd < 0 || watched_ || gone_) return;
  watched_ = g_unix_fd_source_new(fd, G_IO_IN);
  g_source_set_callback(watched_, G_SOURCE_FUNC(&SoupAnswer::on_readable), this, nullptr);
  g_source_attach(watched_, nullptr);
}

void SoupAnswer::forget_watch() {
  if (!watched_) return;
  g_source_destroy(watched_);
  g_source_unref(std::exchange(watched_, nullptr));
}

// The end, or a request more, which stays where it is: of what is behind that nothing is seen any more.
gboolean SoupAnswer::on_readable(gint fd, GIOCondition, gpointer data) {
  const auto self = static_cast<SoupAnswer*>(data)->shared_from_this();
  char byte = 0;
  const ssize_t n = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return G_SOURCE_CONTINUE;
  self->forget_watch();
  if (n <= 0) self->gone();  // nobody has it any more behind this: the connection ends with an answer in vain
  return G_SOURCE_REMOVE;
}

void SoupAnswer::gather(Reply reply) {
  const Growth more = std::exchange(reply.more, nullptr);
  auto waiting = std::make_shared<Reply>(std::move(reply));
  more([self = shared_from_this(), waiting, more](Result<FileRange> next) {
    if (self->gone_) return;
    if (!next) return self->finish(media_error_reply(next.error()));
    if (next->pieces.empty()) return self->write(std::move(*waiting));
    auto& pieces = waiting->file->pieces;
    pieces.insert(pieces.end(), next->pieces.begin(), next->pieces.end());
    waiting->more = more;
    self->gather(std::move(*waiting));
  });
}

void SoupAnswer::write(Reply reply) {
  forget_watch();
  if (gone_) return;
  if (reply.more) return gather(std::move(reply));
  if (!reply.file) return finish(std::move(reply));
  const FileRange whole = *std::exchange(reply.file, std::nullopt);
  if (is_known(message_, reply)) return finish(std::move(reply));
  if (soup_server_message_get_method(message_) == SOUP_METHOD_HEAD) {
    soup_message_headers_set_content_length(soup_server_message_get_response_headers(message_),
                                            static_cast<goffset>(whole.length()));
    return finish(std::move(reply));
  }
  FileRange wanted = whole;
  if (auto asked = asked_part(message_, whole.length())) {
    const std::string of_whole = "/" + std::to_string(whole.length());
    if (asked->first >= whole.length()) {
      Reply none = text_reply(SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE, "The segment ends before that.");
      none.any_origin = true;
      none.content_range = "bytes *" + of_whole;
      return finish(std::move(none));
    }
    wanted = whole.part(asked->first, asked->last - asked->first + 1);
    reply.status = SOUP_STATUS_PARTIAL_CONTENT;
    reply.content_range =
        "bytes " + std::to_string(asked->first) + "-" + std::to_string(asked->last) + of_whole;
  }
  auto waiting = std::make_shared<Reply>(std::move(reply));
  whole.files->read(wanted, [self = shared_from_this(), waiting](Result<BytesPtr> bytes) {
    if (self->gone_) return;
    if (!bytes) return self->finish(media_error_reply(bytes.error()));
    waiting->body = *std::move(bytes);
    self->finish(std::move(*waiting));
  });
}

void SoupAnswer::finish(Reply reply) {
  if (waited()) g_object_set_data(G_OBJECT(message_), kWaited, GINT_TO_POINTER(1));
  send_reply(message_, std::move(reply));
  soup_server_message_unpause(message_);
}

}  // namespace headgate::origin
