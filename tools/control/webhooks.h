// SPDX-License-Identifier: LGPL-2.1-or-later
// Events are sent to addresses that the operator has named: a POST of the event's line for each, in their
// order, by a WebhookSender. The queue is the event log and a file beside it with the last id that was
// delivered: a control that is started anew goes on behind it. One that is not taken (not 2xx) is sent again,
// later and later.
#pragma once

#include <base/clock.h>
#include <base/loop.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "event_log.h"
#include "webhook_sender.h"

namespace headgate::control {

inline constexpr size_t kMaxWebhooks = 8;
inline constexpr int64_t kFirstPauseMs = 1000, kMaxPauseMs = 60'000;
inline constexpr double kJitter = 0.2;         // of a pause, more or less
inline constexpr int kMaxRefusals = 5;         // of one event by 400, 413 or 422: then it is left out
inline constexpr size_t kEventsPerLook = 100;  // read from the log at a time

// From one pause to the next; `random` from 0 to 1.
int64_t next_pause_ms(int64_t pause_ms);
int64_t with_jitter(int64_t pause_ms, double random);

// Where each stands is forgotten of addresses that are not among `urls` any more: one that comes back begins
// with what happens from then on.
void forget_other_webhooks(const std::string& folder, const std::vector<std::string>& urls);

class Webhook {
 public:
  // `least`: severity_rank() from which on events are sent.
  Webhook(Loop& loop, const Clock& clock, EventLog& log, std::string url, std::string secret, int least);
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;
  // Another secret, also for what waits and is sent again.
  void sign_with(std::string secret) { sender_.sign_with(std::move(secret)); }
  std::string json() const;  // for this process's status
  // Sends nothing any more. An event that is under way may still be answered, and is then not sent again by
  // who comes next.
  void end() { ending_ = true; }
  bool under_way() const { return under_way_ != 0; }

 private:
  void look();  // sends the next one, if there is one and none is under way
  void send(const EventLog::Kept& event);
  void sent(unsigned status, const std::string& problem);
  void try_later();
  void delivered(uint64_t id);

  Loop& loop_;
  EventLog& log_;
  WebhookSender sender_;
  const std::string state_file_;
  const int least_;
  uint64_t subscription_;
  uint64_t last_ = 0;       // that was delivered or left out
  uint64_t under_way_ = 0;  // 0: none
  int64_t pause_ms_ = 0;    // the last one; 0: it was taken
  int refusals_ = 0;        // of the present one
  uint64_t delivered_ = 0, failed_ = 0, left_out_ = 0;
  Loop::TimerId timer_ = 0;
  bool problem_told_ = false, ending_ = false;
};

}  // namespace headgate::control
