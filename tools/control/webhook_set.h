// SPDX-License-Identifier: LGPL-2.1-or-later
// All webhooks of the node, and the file with the secret that they sign with, which may be another one later.
// In GLib's main loop.
#pragma once

#include <base/clock.h>
#include <base/loop.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "webhooks.h"

namespace headgate::control {

inline constexpr int64_t kLastAnswersMs = 1000;  // for events under way when the process is to end

class WebhookSet {
 public:
  // Sends nothing before load(). `least`: as Webhook's. The log outlives it.
  WebhookSet(Loop& loop, const Clock& clock, EventLog& log, std::vector<std::string> urls,
             std::string secret_file, int least);
  ~WebhookSet() { loop_.cancel(ending_); }
  WebhookSet(const WebhookSet&) = delete;
  WebhookSet& operator=(const WebhookSet&) = delete;

  // Reads the secret: what is sent from then on is signed with it, also what waits. A file that is wrong is
  // logged and changes nothing; as long as none was right, events wait. After EventLog::open().
  void load();
  std::string json() const;  // of each, for this process's status
  // Sends nothing any more. `done`, once, when no event is under way, or after kLastAnswersMs.
  void end(std::function<void()> done);

 private:
  bool under_way() const;

  Loop& loop_;
  const Clock& clock_;
  EventLog& log_;
  const std::vector<std::string> urls_;
  const std::string secret_file_;
  const int least_;
  std::string secret_;  // empty: none was right yet, and there are no hooks_
  std::vector<std::unique_ptr<Webhook>> hooks_;
  Loop::TimerId ending_ = 0;  // from end() on
};

}  // namespace headgate::control
