// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/http_client.h>

#include <base/clock.h>

namespace headgate::check {
namespace {

constexpr size_t kReadBytes = 256 * 1024;

std::string field(SoupMessageHeaders* headers, const char* name) {
  const char* value = soup_message_headers_get_one(headers, name);
  return value ? value : "";
}

}  // namespace

std::string Answer::problem() const {
  return status == 0 ? error : "status " + std::to_string(status);
}

struct HttpClient::Request {
  HttpClient* client = nullptr;
  SoupMessage* message = nullptr;
  GInputStream* stream = nullptr;
  Done done;
  Answer answer;
};

HttpClient::HttpClient()
    : session_(soup_session_new_with_options("max-conns", kMaxConnections, "max-conns-per-host",
                                             kMaxConnections, "timeout", kTimeoutSeconds, "user-agent",
                                             "headgate-check", nullptr)),
      cancellable_(g_cancellable_new()) {}

HttpClient::~HttpClient() {
  stop();
  g_object_unref(cancellable_);
  g_object_unref(session_);
}

void HttpClient::stop() {
  stopped_ = true;
  g_cancellable_cancel(cancellable_);
  while (under_way_ > 0) g_main_context_iteration(nullptr, TRUE);
}

void HttpClient::get(const std::string& url, const std::string& range, Done done) {
  auto request = std::make_unique<Request>();
  request->client = this;
  request->done = std::move(done);
  request->answer.url = url;
  request->answer.asked_us = system_clock().mono_us();
  ++under_way_;
  request->message = soup_message_new("GET", url.c_str());
  if (!request->message) {
    // Later, as everything else.
    g_idle_add_once(
        [](gpointer data) {
          auto* waiting = static_cast<Request*>(data);
          waiting->client->finish(waiting, "this is no URL");
        },
        request.release());
    return;
  }
  if (!range.empty())
    soup_message_headers_append(soup_message_get_request_headers(request->message), "Range", range.c_str());
  SoupMessage* message = request->message;
  soup_session_send_async(session_, message, G_PRIORITY_DEFAULT, cancellable_, &HttpClient::on_sent,
                          request.release());
}

void HttpClient::on_sent(GObject* session, GAsyncResult* result, gpointer data) {
  auto* request = static_cast<Request*>(data);
  GError* error = nullptr;
  request->stream = soup_session_send_finish(SOUP_SESSION(session), result, &error);
  if (!request->stream) {
    request->client->finish(request, error ? error->message : "no answer");
    g_clear_error(&error);
    return;
  }
  Answer& answer = request->answer;
  SoupMessageHeaders* headers = soup_message_get_response_headers(request->message);
  answer.status = soup_message_get_status(request->message);
  answer.encoding = field(headers, "Content-Encoding");
  answer.cache_control = field(headers, "Cache-Control");
  answer.has_expires = soup_message_headers_get_one(headers, "Expires") != nullptr;
  const char* type = soup_message_headers_get_content_type(headers, nullptr);
  answer.type = type ? type : "";
  char* url = g_uri_to_string(soup_message_get_uri(request->message));
  answer.url = url;
  g_free(url);
  read_more(request);
}

void HttpClient::read_more(Request* request) {
  g_input_stream_read_bytes_async(request->stream, kReadBytes, G_PRIORITY_DEFAULT,
                                  request->client->cancellable_, &HttpClient::on_read, request);
}

void HttpClient::on_read(GObject* stream, GAsyncResult* result, gpointer data) {
  auto* request = static_cast<Request*>(data);
  GError* error = nullptr;
  GBytes* bytes = g_input_stream_read_bytes_finish(G_INPUT_STREAM(stream), result, &error);
  if (!bytes) {
    request->answer.status = 0;
    request->client->finish(request, error ? error->message : "the answer broke off");
    g_clear_error(&error);
    return;
  }
  gsize size = 0;
  const auto* begin = static_cast<const std::byte*>(g_bytes_get_data(bytes, &size));
  ByteVector& body = request->answer.body;
  if (size > 0) body.insert(body.end(), begin, begin + size);
  g_bytes_unref(bytes);
  request->client->bytes_ += size;
  if (body.size() > kMaxBodyBytes) {
    request->answer.status = 0;
    return request->client->finish(request, "the answer is longer than 256 MiB");
  }
  if (size == 0) return request->client->finish(request, nullptr);
  read_more(request);
}

void HttpClient::finish(Request* request, const char* error) {
  std::unique_ptr<Request> owned(request);
  if (error) owned->answer.error = error;
  owned->answer.loaded_us = system_clock().mono_us();
  if (owned->stream) g_object_unref(owned->stream);
  if (owned->message) g_object_unref(owned->message);
  --under_way_;
  if (!stopped_) owned->done(std::move(owned->answer));
}

}  // namespace headgate::check
