// SPDX-License-Identifier: LGPL-2.1-or-later
#include "webhooks.h"

#include <base/encoding.h>
#include <base/io.h>
#include <base/json_line.h>
#include <base/sha256.h>
#include <common/log.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

namespace headgate::control {
namespace {

constexpr char kStateFront[] = "webhook-", kStateEnd[] = ".id";
constexpr size_t kMaxStateBytes = 64;
constexpr size_t kNameDigits = 16;  // of the address's digest, in the state file's name

// The same address has the same file.
std::string state_file(const std::string& folder, const std::string& url) {
  return folder + "/" + kStateFront + to_hex(sha256(as_bytes(url))).substr(0, kNameDigits) + kStateEnd;
}

// What is wrong with this event and not with the way to there.
bool refuses_event(unsigned status) {
  return status == 400 || status == 413 || status == 422;
}

}  // namespace

int64_t next_pause_ms(int64_t pause_ms) {
  return pause_ms <= 0 ? kFirstPauseMs : std::min(2 * pause_ms, kMaxPauseMs);
}

int64_t with_jitter(int64_t pause_ms, double random) {
  return static_cast<int64_t>(static_cast<double>(pause_ms) * (1 - kJitter + 2 * kJitter * random));
}

void forget_other_webhooks(const std::string& folder, const std::vector<std::string>& urls) {
  std::set<std::string> ours;
  for (const std::string& url : urls) ours.insert(state_file(folder, url));
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (const std::filesystem::directory_iterator end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(kStateFront) && name.ends_with(kStateEnd) && !ours.contains(folder + "/" + name))
      ::unlink(entry->path().c_str());
  }
}

Webhook::Webhook(Loop& loop, const Clock& clock, EventLog& log, std::string url, std::string secret,
                 int least)
    : loop_(loop),
      log_(log),
      sender_(clock, std::move(url), std::move(secret)),
      state_file_(state_file(log.folder(), sender_.url())),
      least_(least) {
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
}

void Webhook::look() {
  if (ending_ || under_way_ != 0 || timer_ != 0) return;
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
  sender_.send(event.id, event.line,
               [this](unsigned status, const std::string& answer) { sent(status, answer); });
}

void Webhook::sent(unsigned status, const std::string& problem) {
  const uint64_t id = std::exchange(under_way_, 0);
  if (is_taken(status)) {
    if (std::exchange(problem_told_, false))
      tools::log_notice("the webhook takes events again: " + sender_.shown());
    ++delivered_;
  } else if (refuses_event(status) && ++refusals_ >= kMaxRefusals) {
    tools::log_warning("the webhook refuses event " + std::to_string(id) + ", which is left out: " + problem);
    ++left_out_;
  } else {
    ++failed_;
    if (!std::exchange(problem_told_, true))
      tools::log_warning("the webhook takes no events, they wait: " + sender_.shown() + ": " + problem);
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
      .field("url", sender_.shown())
      .field("last", last_)
      .field("waiting", log_.last_id() - last_)
      .field("delivered", delivered_)
      .field("failed", failed_)
      .field("left_out", left_out_)
      .field("good", pause_ms_ == 0)
      .take();
}

}  // namespace headgate::control
