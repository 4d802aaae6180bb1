// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webhook_set.h"

#include <common/log.h>

#include <algorithm>
#include <utility>

namespace headgate::control {
namespace {

constexpr int64_t kAnswerLookMs = 5;

}  // namespace

WebhookSet::WebhookSet(Loop& loop, const Clock& clock, EventLog& log, std::vector<std::string> urls,
                       std::string secret_file, int least)
    : loop_(loop),
      clock_(clock),
      log_(log),
      urls_(std::move(urls)),
      secret_file_(std::move(secret_file)),
      least_(least) {}

void WebhookSet::load() {
  if (ending_ != 0) return;
  forget_other_webhooks(log_.folder(), urls_);
  if (urls_.empty()) return;
  auto secret = load_secret(secret_file_);
  if (!secret)
    return tools::log_error((secret_.empty() ? "no webhooks: " : "the webhooks' secret stays as it was: ") +
                            secret.error().message);
  if (*secret == secret_) return;
  secret_ = *std::move(secret);
  tools::log_notice("read the webhooks' secret", {{"FILE", secret_file_}});
  for (const auto& hook : hooks_) hook->sign_with(secret_);
  if (!hooks_.empty()) return;
  for (const std::string& url : urls_)
    hooks_.push_back(std::make_unique<Webhook>(loop_, clock_, log_, url, secret_, least_));
}

bool WebhookSet::under_way() const {
  return std::any_of(hooks_.begin(), hooks_.end(), [](const auto& one) { return one->under_way(); });
}

void WebhookSet::end(std::function<void()> done) {
  if (ending_ != 0) return;
  for (const auto& one : hooks_) one->end();
  ending_ = loop_.every_ms(kAnswerLookMs, [this, done = std::move(done), left_ms = kLastAnswersMs]() mutable {
    left_ms -= kAnswerLookMs;
    if (under_way() && left_ms > 0) return;
    const auto act = std::move(done);  // this callback goes with its timer
    loop_.cancel(ending_);
    act();
  });
}

std::string WebhookSet::json() const {
  std::string out = "[";
  for (const auto& hook : hooks_) out += (out.size() > 1 ? "," : "") + hook->json();
  return out + "]";
}

}  // namespace headgate::control
