// SPDX-License-Identifier: LGPL-2.1-or-later
#include "exchange.h"

#include <base/json_line.h>

#include <utility>

namespace headgate::control {

std::string error_json(const std::string& error, const std::string& remedy) {
  return JsonLine().field("error", error).field("do", remedy).take();
}

void set_headers(SoupServerMessage* message, const char* type) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  soup_message_headers_replace(headers, "Cache-Control", "no-store");
  soup_message_headers_replace(headers, "X-Content-Type-Options", "nosniff");
  soup_message_headers_replace(headers, "Content-Security-Policy",
                               "default-src 'none'; frame-ancestors 'none'");
  soup_message_headers_replace(headers, "Connection", "close");
  soup_message_headers_set_content_type(headers, type, nullptr);
}

Exchange::Exchange(SoupServerMessage* message, const std::string& path, Caller caller)
    : message_(static_cast<SoupServerMessage*>(g_object_ref(message))),
      path_(path),
      caller_(std::move(caller)) {
  finished_ = g_signal_connect_swapped(message_, "finished",
                                       G_CALLBACK(+[](Exchange* self) { self->gone_ = true; }), this);
  soup_server_message_pause(message_);
}

Exchange::~Exchange() {
  if (!sent_) fail(500, "this was not answered", "tell who looks after the node: the log has more");
  if (finished_ != 0) g_signal_handler_disconnect(message_, finished_);
  g_object_unref(message_);
}

std::string Exchange::method() const {
  const char* method = soup_server_message_get_method(message_);
  return method == SOUP_METHOD_HEAD ? SOUP_METHOD_GET : method;
}

std::string Exchange::header(const char* name) const {
  const char* value = soup_message_headers_get_one(soup_server_message_get_request_headers(message_), name);
  return value ? value : "";
}

std::string Exchange::query(const char* name) const {
  const char* text = g_uri_get_query(soup_server_message_get_uri(message_));
  if (!text) return "";
  GHashTable* all = soup_form_decode(text);
  const char* value = static_cast<const char*>(g_hash_table_lookup(all, name));
  std::string out = value ? value : "";
  g_hash_table_unref(all);
  return out;
}

std::string Exchange::body() const {
  GBytes* bytes = soup_message_body_flatten(soup_server_message_get_request_body(message_));
  gsize size = 0;
  const void* data = g_bytes_get_data(bytes, &size);
  std::string out(static_cast<const char*>(data ? data : ""), size);
  g_bytes_unref(bytes);
  return out;
}

void Exchange::send(unsigned status, const std::string& json) {
  send_text(status, kTypeJson, json + "\n");
}

void Exchange::send_text(unsigned status, const char* type, const std::string& text) {
  if (std::exchange(sent_, true) || gone_) return;
  soup_server_message_set_status(message_, status, nullptr);
  set_headers(message_, type);
  SoupMessageBody* body = soup_server_message_get_response_body(message_);
  soup_message_body_append(body, SOUP_MEMORY_COPY, text.data(), text.size());
  soup_message_body_complete(body);
  soup_server_message_unpause(message_);
}

void Exchange::fail(unsigned status, const std::string& error, const std::string& remedy) {
  send(status, error_json(error, remedy));
}

SoupServerMessage* Exchange::take_over() {
  sent_ = true;
  return message_;
}

}  // namespace headgate::control
