// SPDX-License-Identifier: LGPL-2.1-or-later
#include "events.h"

#include <sys/socket.h>

namespace headgate::origin {
namespace {

constexpr int64_t kReturnMs = 300;  // to the origin that comes next

std::string event_text(const char* name, const std::string& json) {
  return std::string("event: ") + name + "\ndata: " + json + "\n\n";
}

}  // namespace

Events::~Events() {
  loop_.cancel(timer_);
  while (!listeners_.empty()) drop(*listeners_.begin());
}

void Events::listen(SoupServerMessage* message) {
  std::string whose = whose_is(message);
  if (!room_.enter(whose))
    return send_reply(message, text_reply(503, "Too many listeners: poll /api/v1/streams instead."));
  Reply reply;
  reply.type = "text/event-stream";
  send_reply(message, std::move(reply));
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  // Sent bytes are forgotten, and an intermediary does not collect them.
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  soup_message_headers_replace(headers, "X-Accel-Buffering", "no");

  auto* listener =
      new Listener{this, static_cast<SoupServerMessage*>(g_object_ref(message)), std::move(whose)};
  listener->finished = g_signal_connect_swapped(
      message, "finished", G_CALLBACK(+[](Listener* one) { one->events->drop(one); }), listener);
  listener->wrote = g_signal_connect(message, "wrote-body-data", G_CALLBACK(&Events::on_wrote), listener);
  listeners_.insert(listener);
  send(*listener, event_text("streams", catalog_.list_json()));
  if (retired_) return end(*listener);
  if (timer_ != 0) return;
  for (auto& [station, stream] : catalog_.streams()) stream->take_changed();  // all of it was just told
  timer_ = loop_.every_ms(kEventsMs, [this] { tick(); });
}

void Events::on_wrote(SoupServerMessage*, guint size, gpointer data) {
  auto* listener = static_cast<Listener*>(data);
  listener->unsent -= std::min<size_t>(listener->unsent, size);
}

void Events::send(Listener& listener, const std::string& text) {
  listener.unsent += text.size();
  BytesPtr bytes = bytes_of(text);
  soup_message_body_append_bytes(soup_server_message_get_response_body(listener.message), bytes.get());
  soup_server_message_unpause(listener.message);
}

void Events::end(Listener& listener) {
  send(listener, "retry: " + std::to_string(kReturnMs) + "\n\n");
  soup_message_body_complete(soup_server_message_get_response_body(listener.message));
}

void Events::retire() {
  retired_ = true;
  loop_.cancel(timer_);
  timer_ = 0;
  for (Listener* listener : listeners_) end(*listener);
}

void Events::tick() {
  std::string text;
  for (auto& [station, stream] : catalog_.streams())
    if (stream->take_changed()) text += event_text("stream", stream->json());
  bool comment = ++ticks_ >= kTicksPerComment;
  if (comment) text += ":\n\n";
  if (text.empty()) return;
  ticks_ = 0;
  std::set<Listener*> slow;
  for (Listener* listener : listeners_) {
    if (listener->unsent > kMaxUnsentBytes)
      slow.insert(listener);
    else
      send(*listener, text);
  }
  for (Listener* listener : slow) {
    if (const int fd = socket_of(listener->message); fd >= 0) ::shutdown(fd, SHUT_RDWR);
    drop(listener);
  }
}

void Events::drop(Listener* listener) {
  listeners_.erase(listener);
  room_.leave(listener->whose);
  g_signal_handler_disconnect(listener->message, listener->finished);
  g_signal_handler_disconnect(listener->message, listener->wrote);
  g_object_unref(listener->message);
  delete listener;
  if (!listeners_.empty()) return;
  loop_.cancel(timer_);
  timer_ = 0;
}

}  // namespace headgate::origin
