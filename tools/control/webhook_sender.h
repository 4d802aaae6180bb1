// SPDX-License-Identifier: LGPL-2.1-or-later
// An address that events are sent to: each is a POST of its line, signed: "Headgate-Signature:
// t=SECONDS,v1=HEX", an HMAC-SHA256 of "SECONDS.BODY" under the shared secret. In GLib's main loop.
#pragma once

#include <base/clock.h>
#include <base/result.h>
#include <libsoup/soup.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace headgate::control {

inline constexpr size_t kLeastSecretBytes = 16, kMaxSecretBytes = 1024;
inline constexpr unsigned kWebhookTimeoutS = 10;
inline constexpr char kTestKind[] = "webhook.test";

// First and last white space does not count. The error says what is wrong with the file.
Result<std::string> load_secret(const std::string& file);
std::string signature(const std::string& secret, int64_t utc_seconds, const std::string& body);
inline bool is_taken(unsigned status) {
  return status >= 200 && status < 300;
}

class WebhookSender {
 public:
  // What it answered, or 0; and that in words.
  using OnAnswer = std::function<void(unsigned status, const std::string& answer)>;

  // `timeout_s`: until the answer's head is there, whole.
  WebhookSender(const Clock& clock, std::string url, std::string secret,
                unsigned timeout_s = kWebhookTimeoutS);
  ~WebhookSender();  // who waits is told nothing
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;

  // `done` once; at once when the address is none.
  void send(uint64_t id, const std::string& line, OnAnswer done);
  void sign_with(std::string secret) { secret_ = std::move(secret); }  // what is sent from now on
  const std::string& url() const { return url_; }
  std::string shown() const;  // scheme, host and port: the others may be secrets, the path as well

 private:
  struct Asked;
  static void on_answer(GObject* session, GAsyncResult* result, gpointer data);
  static gboolean on_timeout(gpointer data);

  const Clock& clock_;
  const std::string url_;
  std::string secret_;
  const unsigned timeout_s_;
  SoupSession* session_;
  std::set<Asked*> asked_;  // under way; each deletes itself
};

// What came of an event of the kind kTestKind, sent once to each: {"webhooks": [{"url", "status",
// "answer"}]}, `status` 0 without an answer. Runs GLib's main loop meanwhile.
struct WebhookTest {
  std::string json;
  bool all_taken = true;
};
WebhookTest test_webhooks(const Clock& clock, const std::vector<std::string>& urls,
                          const std::string& secret);

}  // namespace headgate::control
