// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webhooks.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/json_line.h>
#include <base/sha256.h>
#include <common/log.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace headgate::control {
namespace {

constexpr size_t kMaxStateBytes = 64;
constexpr size_t kNameDigits = 16;  // of the address's digest, in the state file's name

struct Asked {
  Webhook* webhook;
  SoupMessage* message;
};

// The same address has the same file.
std::string state_file(const std::string& folder, const std::string& url) {
  return folder + "/webhook-" + to_hex(sha256(as_bytes(url))).substr(0, kNameDigits) + ".id";
}

// What is wrong with this event and not with the way to there.
bool refuses_event(unsigned status) {
  return status == 400 || status == 413 || status == 422;
}

// Without user, password and query, which may be secrets.
std::string shown(const std::string& url) {
  GUri* uri = g_uri_parse(url.c_str(), G_URI_FLAGS_NONE, nullptr);
  if (!uri) return "?";
  gchar* text = g_uri_to_string_partial(
      uri, static_cast<GUriHideFlags>(G_URI_HIDE_USERINFO | G_URI_HIDE_QUERY | G_URI_HIDE_FRAGMENT));
  std::string out = text;
  g_free(text);
  g_uri_unref(uri);
  return out;
}

}  // namespace

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

int64_t next_pause_ms(int64_t pause_ms) {
  return pause_ms <= 0 ? kFirstPauseMs : std::min(2 * pause_ms, kMaxPauseMs);
}

int64_t with_jitter(int64_t pause_ms, double random) {
  return static_cast<int64_t>(static_cast<double>(pause_ms) * (1 - kJitter + 2 * kJitter * random));
}

Webhook::Webhook(Loop& loop, const Clock& clock, EventLog& log, std::string url, std::string secret,
                 int least)
    : loop_(loop),
      clock_(clock),
      log_(log),
      url_(std::move(url)),
      secret_(std::move(secret)),
      state_file_(state_file(log.folder(), url_)),
      least_(least),
      session_(soup_session_new_with_options("timeout", kWebhookTimeoutS, "user-agent", "headgate", nullptr)),
      cancellable_(g_cancellable_new()) {
  auto content = read_file(state_file_, kMaxStateBytes);
  const std::string_view text = content ? as_text(*content) : std::string_view();
  uint64_t last = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), last);
  if (error == std::errc() && end != text.data())
    last_ = std::min(last, log_.last_id());
  else
    delivered(log_.last_id());  // a new address begins with what happens from now on
  subscription_ = log_.listen([this](const EventLog::Kept&) { look(); });
  timer_ = loop_.after_ms(0, [this] {  // what waits from before
    timer_ = 0;
    look();
  });
}

Webhook::~Webhook() {
  log_.unlisten(subscription_);
  loop_.cancel(timer_);
  g_cancellable_cancel(cancellable_);
  soup_session_abort(session_);
  g_object_unref(session_);
  g_object_unref(cancellable_);
}

void Webhook::look() {
  if (under_way_ != 0 || timer_ != 0) return;
  for (;;) {
    const auto events = log_.after(last_, kEventsPerLook);
    if (events.empty()) return;
    uint64_t passed = 0;
    for (const auto& event : events) {
      if (severity_rank(severity_of(event.line)) >= least_) {
        if (passed != 0) delivered(passed);
        return send(event);
      }
      passed = event.id;
    }
    delivered(passed);
  }
}

void Webhook::send(const EventLog::Kept& event) {
  under_way_ = event.id;
  SoupMessage* message = soup_message_new("POST", url_.c_str());
  soup_message_set_flags(message, SOUP_MESSAGE_NO_REDIRECT);
  GBytes* body = g_bytes_new(event.line.data(), event.line.size());
  soup_message_set_request_body_from_bytes(message, "application/json", body);
  g_bytes_unref(body);
  SoupMessageHeaders* headers = soup_message_get_request_headers(message);
  soup_message_headers_replace(headers, "Headgate-Signature",
                               signature(secret_, clock_.utc_seconds(), event.line).c_str());
  soup_message_headers_replace(headers, "Headgate-Event", std::to_string(event.id).c_str());
  // What it answers is not read: it may be anything.
  soup_session_send_async(session_, message, G_PRIORITY_DEFAULT, cancellable_, &Webhook::on_answer,
                          new Asked{this, message});
}

void Webhook::on_answer(GObject* session, GAsyncResult* result, gpointer data) {
  auto* asked = static_cast<Asked*>(data);
  GError* error = nullptr;
  GInputStream* stream = soup_session_send_finish(SOUP_SESSION(session), result, &error);
  if (stream) {
    const unsigned status = soup_message_get_status(asked->message);
    g_object_unref(stream);
    asked->webhook->sent(status, "it answers " + std::to_string(status));
  } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    asked->webhook->sent(0, error->message);
  }
  g_clear_error(&error);
  g_object_unref(asked->message);
  delete asked;
}

void Webhook::sent(unsigned status, const std::string& problem) {
  const uint64_t id = std::exchange(under_way_, 0);
  if (status >= 200 && status < 300) {
    if (std::exchange(problem_told_, false))
      tools::log_notice("the webhook takes events again: " + shown(url_));
    ++delivered_;
  } else if (refuses_event(status) && ++refusals_ >= kMaxRefusals) {
    tools::log_warning("the webhook refuses event " + std::to_string(id) + ", which is left out: " + problem);
    ++left_out_;
  } else {
    ++failed_;
    if (!std::exchange(problem_told_, true))
      tools::log_warning("the webhook takes no events, they wait: " + shown(url_) + ": " + problem);
    return try_later();
  }
  pause_ms_ = refusals_ = 0;
  delivered(id);
  look();
}

void Webhook::try_later() {
  pause_ms_ = next_pause_ms(pause_ms_);
  timer_ = loop_.after_ms(with_jitter(pause_ms_, g_random_double()), [this] {
    timer_ = 0;
    look();
  });
}

// Not flushed to the disk: after a power cut some may be sent twice.
void Webhook::delivered(uint64_t id) {
  last_ = id;
  const std::string fresh = state_file_ + ".tmp";
  auto fd = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  if (fd && write_all(fd->get(), as_bytes(std::to_string(id) + "\n")))
    ::rename(fresh.c_str(), state_file_.c_str());
}

std::string Webhook::json() const {
  return JsonLine()
      .field("url", shown(url_))
      .field("last", last_)
      .field("waiting", log_.last_id() - last_)
      .field("delivered", delivered_)
      .field("failed", failed_)
      .field("left_out", left_out_)
      .field("good", pause_ms_ == 0)
      .take();
}

}  // namespace headgate::control
