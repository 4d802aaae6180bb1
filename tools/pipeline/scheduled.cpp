// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <glib.h>
#include <pipeline/scheduled.h>

#include <cstdio>
#include <utility>

namespace headgate::pipeline {
namespace {

constexpr int64_t kLookMs = 1000;

std::string local_time(int64_t utc_us) {
  GDateTime* time = g_date_time_new_from_unix_local(utc_us / G_USEC_PER_SEC);
  char* text = time ? g_date_time_format(time, "%F %T %z") : g_strdup("?");
  std::string out = text;
  g_free(text);
  if (time) g_date_time_unref(time);
  return out;
}

}  // namespace

Scheduled::Scheduled(Loop& loop, const Description& description, Values values, std::string program,
                     bool once, RunWatch* watch, std::function<void(int)> done)
    : loop_(loop),
      description_(description),
      values_(std::move(values)),
      program_(std::move(program)),
      once_(once),
      watch_(watch),
      done_(std::move(done)),
      due_(description.schedule()) {}

Scheduled::~Scheduled() {
  loop_.cancel(timer_);
}

void Scheduled::start() {
  timer_ = loop_.every_ms(kLookMs, [this] { look(); });
  look();
}

void Scheduled::look() {
  if (ending_) return;
  due_.look(system_clock().utc_us());
  if (runs_) {
    if (!due_.inside()) {
      asked_ = true;
      runs_->end("unpublish");
    }
    return;
  }
  if (due_.is_over()) {
    ending_ = true;
    loop_.post([this] { done_(0); });
  } else if (due_.is_due()) {
    runs_ = std::make_unique<Runs>(loop_, description_, values_, program_, once_, watch_,
                                   [this](Runs::End how) { ended(how); });
    runs_->start();
  }
}

void Scheduled::ended(Runs::End how) {
  loop_.post([this, how] {  // not from within the call of what goes
    runs_.reset();
    if (ending_) return done_(how == Runs::End::ended ? 0 : 1);
    const bool asked = std::exchange(asked_, false);  // what has ended so has not ended by itself
    if (!asked) due_.ended(system_clock().utc_us());
    if (how == Runs::End::given_up || (how == Runs::End::failed && !asked && due_.inside())) {
      ending_ = true;
      return done_(1);
    }
    look();
  });
}

void Scheduled::end() {
  if (std::exchange(ending_, true)) return;
  if (runs_) return runs_->end();
  loop_.post([this] { done_(0); });
}

int64_t Scheduled::waits_until_us() const {
  return runs_ || ending_ ? 0 : due_.next_us();
}

std::string Scheduled::status() {
  if (runs_) return runs_->status();
  const int64_t next_us = waits_until_us();
  const int64_t left_s = next_us != 0 ? (next_us - system_clock().utc_us()) / G_USEC_PER_SEC : -1;
  if (left_s < 0) return "";
  char left[32];
  std::snprintf(left, sizeof left, "%02lld:%02lld:%02lld", static_cast<long long>(left_s / 3600),
                static_cast<long long>(left_s / 60 % 60), static_cast<long long>(left_s % 60));
  return "waits for " + local_time(next_us) + ": " + left;
}

}  // namespace headgate::pipeline
