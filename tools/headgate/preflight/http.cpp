// SPDX-License-Identifier: LGPL-2.1-or-later
#include "http.h"

#include <libsoup/soup.h>

#include <memory>

namespace headgate::preflight {
namespace {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Ref = std::unique_ptr<T, Unref>;

struct BytesUnref {
  void operator()(GBytes* bytes) const { g_bytes_unref(bytes); }
};

}  // namespace

Result<HttpAnswer> http(const HttpRequest& request) {
  Ref<SoupMessage> message(soup_message_new(request.method.c_str(), request.url.c_str()));
  if (!message) return Unexpected(request.url + " is no URL");
  for (const auto& [name, value] : request.headers)
    soup_message_headers_replace(soup_message_get_request_headers(message.get()), name.c_str(),
                                 value.c_str());
  if (!request.type.empty()) {
    std::unique_ptr<GBytes, BytesUnref> body(g_bytes_new(request.body.data(), request.body.size()));
    soup_message_set_request_body_from_bytes(message.get(), request.type.c_str(), body.get());
  }
  Ref<SoupSession> session(soup_session_new_with_options("timeout", request.timeout_s, nullptr));
  GError* error = nullptr;
  std::unique_ptr<GBytes, BytesUnref> bytes(
      soup_session_send_and_read(session.get(), message.get(), nullptr, &error));
  if (!bytes) {
    std::string reason = error->message;
    g_error_free(error);
    return Unexpected(reason);
  }
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes.get(), &size));
  if (size > kMaxAnswerBytes)
    return Unexpected("the answer has more than " + std::to_string(kMaxAnswerBytes) + " bytes");
  HttpAnswer out;
  out.status = soup_message_get_status(message.get());
  if (data) out.body.assign(data, size);
  if (const char* type =
          soup_message_headers_get_content_type(soup_message_get_response_headers(message.get()), nullptr))
    out.type = type;
  return out;
}

}  // namespace headgate::preflight
