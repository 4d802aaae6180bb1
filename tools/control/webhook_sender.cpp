// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webhook_sender.h"

#include <base/io.h>
#include <base/json_line.h>
#include <base/masked.h>
#include <sys/stat.h>

#include <memory>
#include <utility>

#include "event.h"

namespace headgate::control {
struct WebhookSender::Asked {
  WebhookSender* sender;  // null: it has gone
  OnAnswer done;
  SoupMessage* message;
  GCancellable* cancellable = g_cancellable_new();
  guint timer = 0;  // 0: it is over

  ~Asked() {
    if (timer != 0) g_source_remove(timer);
    g_object_unref(message);
    g_object_unref(cancellable);
  }
};

Result<std::string> load_secret(const std::string& file) {
  auto content = read_file(file, kMaxSecretBytes);
  if (!content) return Unexpected(content.error());
  struct stat state {};
  if (::stat(file.c_str(), &state) == 0 && (state.st_mode & S_IROTH) != 0)
    return Unexpected(file + ": everybody can read it; chmod 600 it, and take another secret");
  std::string text(as_text(*content));
  constexpr const char* kSpace = " \t\r\n";
  const size_t from = text.find_first_not_of(kSpace);
  text = from == text.npos ? "" : text.substr(from, text.find_last_not_of(kSpace) - from + 1);
  if (text.size() < kLeastSecretBytes)
    return Unexpected(file + ": a secret has at least " + std::to_string(kLeastSecretBytes) +
                      " bytes: openssl rand -hex 32");
  return text;
}

std::string signature(const std::string& secret, int64_t utc_seconds, const std::string& body) {
  const std::string text = std::to_string(utc_seconds) + "." + body;
  gchar* hmac =
      g_compute_hmac_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(secret.data()),
                              secret.size(), reinterpret_cast<const guchar*>(text.data()), text.size());
  std::string out = "t=" + std::to_string(utc_seconds) + ",v1=" + hmac;
  g_free(hmac);
  return out;
}

WebhookSender::WebhookSender(const Clock& clock, std::string url, std::string secret, unsigned timeout_s)
    : clock_(clock),
      url_(std::move(url)),
      secret_(std::move(secret)),
      timeout_s_(timeout_s),
      session_(soup_session_new_with_options("user-agent", "headgate", nullptr)) {}

WebhookSender::~WebhookSender() {
  for (Asked* const asked : asked_) {
    asked->sender = nullptr;
    g_cancellable_cancel(asked->cancellable);
  }
  soup_session_abort(session_);
  g_object_unref(session_);
}

void WebhookSender::send(uint64_t id, const std::string& line, OnAnswer done) {
  SoupMessage* message = soup_message_new("POST", url_.c_str());
  if (!message) return done(0, "it is no address of HTTP");
  soup_message_set_flags(message, SOUP_MESSAGE_NO_REDIRECT);
  GBytes* body = g_bytes_new(line.data(), line.size());
  soup_message_set_request_body_from_bytes(message, "application/json", body);
  g_bytes_unref(body);
  SoupMessageHeaders* headers = soup_message_get_request_headers(message);
  soup_message_headers_replace(headers, "Headgate-Signature",
                               signature(secret_, clock_.utc_seconds(), line).c_str());
  soup_message_headers_replace(headers, "Headgate-Event", std::to_string(id).c_str());
  // What it answers is not read: it may be anything.
  auto* const asked = new Asked{this, std::move(done), message};
  asked_.insert(asked);
  // The session's own limit is of each read: who sends a byte now and then would never be over.
  asked->timer = g_timeout_add_seconds(timeout_s_, &WebhookSender::on_timeout, asked);
  soup_session_send_async(session_, message, G_PRIORITY_DEFAULT, asked->cancellable,
                          &WebhookSender::on_answer, asked);
}

gboolean WebhookSender::on_timeout(gpointer data) {
  auto* const asked = static_cast<Asked*>(data);
  asked->timer = 0;
  g_cancellable_cancel(asked->cancellable);
  return G_SOURCE_REMOVE;
}

void WebhookSender::on_answer(GObject* session, GAsyncResult* result, gpointer data) {
  const std::unique_ptr<Asked> asked(static_cast<Asked*>(data));
  GError* error = nullptr;
  GInputStream* stream = soup_session_send_finish(SOUP_SESSION(session), result, &error);
  WebhookSender* const sender = asked->sender;
  unsigned status = 0;
  std::string answer;
  if (stream) {
    status = soup_message_get_status(asked->message);
    answer = "it answers " + std::to_string(status);
    g_object_unref(stream);
  } else if (asked->timer == 0 && sender) {
    answer = "it has not answered within " + std::to_string(sender->timeout_s_) + " s";
  } else {
    answer = masked(error->message);
  }
  g_clear_error(&error);
  if (!sender) return;
  sender->asked_.erase(asked.get());
  asked->done(status, answer);
}

std::string WebhookSender::shown() const {
  return shown_address(url_);
}

WebhookTest test_webhooks(const Clock& clock, const std::vector<std::string>& urls,
                          const std::string& secret) {
  const std::string line =
      event_line({0, clock.utc_us(), kTestKind, kInfo, "a test of the way to here: nothing has happened"});
  std::vector<std::unique_ptr<WebhookSender>> senders;
  std::vector<std::string> answers(urls.size());
  WebhookTest out;
  size_t waiting = urls.size();
  for (size_t i = 0; i < urls.size(); ++i) {
    senders.push_back(std::make_unique<WebhookSender>(clock, urls[i], secret));
    senders[i]->send(0, line, [&, i](unsigned status, const std::string& answer) {
      --waiting;
      out.all_taken = out.all_taken && is_taken(status);
      answers[i] =
          JsonLine().field("url", senders[i]->shown()).field("status", status).field("answer", answer).take();
    });
  }
  while (waiting > 0) g_main_context_iteration(nullptr, TRUE);
  out.json = R"({"webhooks":[)";
  for (size_t i = 0; i < answers.size(); ++i) out.json += (i > 0 ? "," : "") + answers[i];
  out.json += "]}";
  return out;
}

}  // namespace headgate::control
