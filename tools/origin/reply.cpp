// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reply.h"

#include <utility>

namespace headgate::origin {
namespace {

// docs/api.md
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob:; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'";

bool has_etag(SoupServerMessage* message, const std::string& etag) {
  const char* known =
      soup_message_headers_get_list(soup_server_message_get_request_headers(message), "If-None-Match");
  return known && !etag.empty() && std::string_view(known).find(etag) != std::string_view::npos;
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

void send_reply(SoupServerMessage* message, Reply reply) {
  SoupMessageHeaders* headers = soup_server_message_get_response_headers(message);
  auto header = [&](const char* name, const char* value) {
    soup_message_headers_replace(headers, name, value);
  };
  header("Cache-Control", reply.cache);
  header("X-Content-Type-Options", "nosniff");
  header("Referrer-Policy", "no-referrer");
  header("Content-Security-Policy", kPolicy);
  if (reply.any_origin) header("Access-Control-Allow-Origin", "*");
  if (reply.ranges) {
    header("Accept-Ranges", "bytes");
  } else {
    soup_message_headers_remove(soup_server_message_get_request_headers(message), "Range");
  }
  if (!reply.etag.empty()) header("ETag", reply.etag.c_str());
  if (reply.status == 200 && has_etag(message, reply.etag))
    return soup_server_message_set_status(message, SOUP_STATUS_NOT_MODIFIED, nullptr);
  soup_server_message_set_status(message, reply.status, nullptr);
  soup_message_headers_set_content_type(headers, reply.type, nullptr);
  if (!reply.body) return;
  SoupMessageBody* body = soup_server_message_get_response_body(message);
  soup_message_body_append_bytes(body, reply.body.get());
  soup_message_body_complete(body);
}

Deferred::Deferred(SoupServerMessage* message)
    : message_(static_cast<SoupServerMessage*>(g_object_ref(message))) {
  finished_handler_ = g_signal_connect_swapped(message_, "finished",
                                               G_CALLBACK(+[](Deferred* self) { self->over_ = true; }), this);
  soup_server_message_pause(message_);
}

Deferred::~Deferred() {
  g_signal_handler_disconnect(message_, finished_handler_);
  if (!over_) send(text_reply(SOUP_STATUS_SERVICE_UNAVAILABLE, "not answered"));
  g_object_unref(message_);
}

void Deferred::send(Reply reply) {
  if (std::exchange(over_, true)) return;
  send_reply(message_, std::move(reply));
  soup_server_message_unpause(message_);
}

}  // namespace headgate::origin
