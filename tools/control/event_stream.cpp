// SPDX-License-Identifier: LGPL-2.1-or-later
#include "event_stream.h"

#include <base/json_line.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

namespace headgate::control {
namespace {

// A number, or nothing there; an empty optional: neither.
std::optional<uint64_t> number(const std::string& text, uint64_t otherwise) {
  if (text.empty()) return otherwise;
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

EventStream::EventStream(Loop& loop, EventLog& log) : loop_(loop), log_(log) {
  subscription_ = log_.listen([this](const EventLog::Kept&) {
    for (Listener* listener : listeners_) feed(*listener);
  });
  timer_ = loop_.every_ms(kCommentMs, [this] {
    for (Listener* listener : listeners_) send(*listener, ":\n\n");
  });
}

EventStream::~EventStream() {
  log_.unlisten(subscription_);
  loop_.cancel(timer_);
  while (!listeners_.empty()) drop(*listeners_.begin());
}

void EventStream::answer(const ExchangePtr& exchange) {
  const bool json = exchange->header("Accept").find(kTypeJson) != std::string::npos;
  std::string from = exchange->header("Last-Event-ID");
  if (from.empty()) from = exchange->query("after");
  // Who listens and does not say from where on is told what happens from now on.
  const auto after = number(from, json ? 0 : log_.last_id());
  if (!after)
    return exchange->fail(400, "'" + from + "' is no event's id",
                          "say after=ID, with the last id that you had");
  if (json) return page(exchange, *after);
  if (!has_place(exchange->caller().token))
    return exchange->fail(503, "there are too many listeners",
                          "ask with Accept: application/json and ?after=ID, again and again");
  listen(exchange, *after);
}

bool EventStream::has_place(const std::string& token) const {
  if (token.empty()) return listeners_.size() < kMaxListeners;
  size_t own = 0, of_tokens = 0;
  for (const Listener* one : listeners_) {
    own += one->token == token;
    of_tokens += !one->token.empty();
  }
  return own < kMaxListenersOfToken && of_tokens < kMaxListenersOfTokens;
}

void EventStream::page(const ExchangePtr& exchange, uint64_t after) {
  const auto limit = number(exchange->query("limit"), kDefaultPage);
  if (!limit || *limit < 1 || *limit > kMaxPage)
    return exchange->fail(400, "limit is a number from 1 to " + std::to_string(kMaxPage), "say such a one");
  std::string events = "[";
  uint64_t last = after;
  for (const auto& kept : log_.after(after, *limit)) {
    events += (events.size() > 1 ? "," : "") + kept.line;
    last = kept.id;
  }
  exchange->send(200, JsonLine()
                          .raw("events", events + "]")
                          .field("last", last)
                          .field("first_kept", log_.first_id())
                          .field("newest", log_.last_id())
                          .take());
}

void EventStream::listen(const ExchangePtr& exchange, uint64_t after) {
  SoupServerMessage* message = exchange->take_over();
  soup_server_message_set_status(message, 200, nullptr);
  set_headers(message, "text/event-stream");
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  soup_message_headers_set_encoding(headers, SOUP_ENCODING_CHUNKED);
  // Sent bytes are forgotten, and an intermediary does not collect them.
  soup_message_body_set_accumulate(soup_server_message_get_response_body(message), FALSE);
  soup_message_headers_replace(headers, "X-Accel-Buffering", "no");
  auto* listener = new Listener{this, static_cast<SoupServerMessage*>(g_object_ref(message)),
                                exchange->caller().token, std::min(after, log_.last_id())};
  listener->finished = g_signal_connect_swapped(
      message, "finished", G_CALLBACK(+[](Listener* one) { one->stream->drop(one); }), listener);
  listener->wrote = g_signal_connect(message, "wrote-body-data",
                                     G_CALLBACK(+[](SoupServerMessage*, guint size, gpointer data) {
                                       auto* one = static_cast<Listener*>(data);
                                       one->unsent -= std::min<size_t>(one->unsent, size);
                                       if (one->unsent == 0) one->stream->feed(*one);
                                     }),
                                     listener);
  listeners_.insert(listener);
  // At once, so that who listens knows that he does.
  send(*listener, ":\n\n");
  feed(*listener);
}

void EventStream::recheck(const std::function<bool(const std::string& token)>& known) {
  const std::set<Listener*> all = listeners_;
  for (Listener* one : all) {
    if (one->token.empty() || known(one->token)) continue;
    // What it has been sent is still written, as far as it reads in time (Connections).
    SoupServerMessage* message = static_cast<SoupServerMessage*>(g_object_ref(one->message));
    drop(one);
    soup_message_body_complete(soup_server_message_get_response_body(message));
    soup_server_message_unpause(message);
    g_object_unref(message);
  }
}

// One that does not read is not sent more; it catches up when it has.
void EventStream::feed(Listener& listener) {
  if (listener.last >= log_.last_id() || listener.unsent > kMaxUnsentBytes) return;
  std::string text;
  for (const auto& kept : log_.after(listener.last, kEventsAtOnce)) {
    text += "id: " + std::to_string(kept.id) + "\ndata: " + kept.line + "\n\n";
    listener.last = kept.id;
    if (text.size() > kMaxUnsentBytes) break;
  }
  if (!text.empty()) send(listener, text);
}

void EventStream::send(Listener& listener, const std::string& text) {
  if (listener.unsent > 2 * kMaxUnsentBytes) return;
  listener.unsent += text.size();
  soup_message_body_append(soup_server_message_get_response_body(listener.message), SOUP_MEMORY_COPY,
                           text.data(), text.size());
  soup_server_message_unpause(listener.message);
}

void EventStream::drop(Listener* listener) {
  listeners_.erase(listener);
  g_signal_handler_disconnect(listener->message, listener->finished);
  g_signal_handler_disconnect(listener->message, listener->wrote);
  g_object_unref(listener->message);
  delete listener;
}

}  // namespace headgate::control
