// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever is to be woken at night is sent an event: by headgate-control, which sends those of the day.
#include <base/json.h>
#include <common/siblings.h>

#include "checks.h"
#include "program.h"

namespace headgate::preflight {
namespace {

constexpr int64_t kPatienceMs = 30'000;  // all are asked at once, and each may take 10 s

}  // namespace

Outcome check_alerts(Context& context) {
  const serve::Config& config = context.config;
  Outcome out;
  out.measured = std::to_string(config.webhooks.size()) + " webhooks";
  if (config.webhooks.empty())
    return out.warn("nobody is told when something happens at night",
                    "set --webhook and --webhook-secret ([control] of the settings; docs/api.md)");
  context.progress("sending a test event");
  auto path = tools::find_program("headgate-control");
  if (!path) return out.fail(path.error().message, "is the package whole? (dpkg -V headgate)");
  std::vector<std::string> secret;
  for (const std::string& url : config.webhooks) secret.push_back("--webhook=" + url);
  auto program = run_program({.words = {*path, "--test-webhooks", "--webhook-secret", config.webhook_secret},
                              .secret = std::move(secret),
                              .account = context.account},
                             kPatienceMs);
  if (!program) return out.fail(program.error().message, "try it by hand: headgate-control --test-webhooks");
  const Json answers = Json::object_of(program->output());
  if (!answers.is_object())  // the secret, or an address that is none
    return out.fail(program->last_error(), "correct --webhook or --webhook-secret");
  out.measured.clear();
  size_t number = 0;
  answers.each("webhooks", [&](const Json& one) {
    // Two may be of one host, which is all that is told of them.
    const std::string url = "webhook " + std::to_string(++number) + " (" + one.text("url") + ")";
    const std::string answer = one.text("answer");
    const int64_t status = one.integer("status");
    out.measured +=
        (out.measured.empty() ? "" : ", ") + url + " " + (status > 0 ? std::to_string(status) : "-");
    if (status >= 200 && status < 300) return;
    out.fail(url + " took no test event: " + answer,
             status > 0 ? "look into the receiver's log, and compare its secret with " + config.webhook_secret
                        : "is the receiver up, and may this machine reach it?");
  });
  if (out.findings.empty() && program->code() != 0)
    out.fail(program->last_error(), "try it by hand: headgate-control --test-webhooks");
  return out;
}

}  // namespace headgate::preflight
