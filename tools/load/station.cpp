// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/station.h>

#include <algorithm>

#include <base/clock.h>

namespace headgate::load {

const char* ended_name(Ended ended) {
  constexpr const char* kNames[] = {"not", "finished", "cut", "dropped", "refused", "given up"};
  return kNames[static_cast<size_t>(ended)];
}

void Station::begin_session(int64_t now) {
  shared_.totals.sessions++;
  shared_.totals.connecting++;
  opened_us_ = now;
  bytes_ = 0;
  state_ = State::kConnecting;
}

void Station::accepted(int64_t now, int64_t asked_us) {
  LoadTotals& totals = shared_.totals;
  totals.connecting--;
  totals.live++;
  totals.accepted++;
  totals.connect_ms.add(static_cast<double>(now - opened_us_) / 1000);
  if (asked_us > 0) totals.accept_ms.add(static_cast<double>(now - asked_us) / 1000);
  failures_ = 0;
  state_ = State::kLive;
  live_us_ = now;
  stalled_until_us_ = 0;
}

void Station::fail(int64_t now, Ended how, const std::string& reason) {
  auto& reasons = shared_.totals.reasons;
  reasons[reasons.size() < kMaxReasons || reasons.contains(reason) ? reason : "other"]++;
  end_session(now, how);
  if (ending_) return;
  int64_t pause = std::min(kMaxRetrySeconds, int64_t{1} << std::min(failures_++, 10)) * kSecond;
  due_us_ =
      now + pause - pause / 4 + static_cast<int64_t>(shared_.random() % static_cast<uint64_t>(pause / 2));
}

void Station::end_session(int64_t now, Ended how) {
  LoadTotals& totals = shared_.totals;
  const bool accepted = was_accepted();
  (accepted ? totals.live : totals.connecting)--;
  SessionRecord last = record(now);
  last.ended = how;
  last.undelivered = accepted ? undelivered() : 0;
  ended_.push_back(last);
  if (accepted) totals.stream_seconds += static_cast<double>(now - live_us_) / 1e6;
  if (how == Ended::kFinished) totals.finished++;
  if (how == Ended::kCut) totals.cut++;
  if (how == Ended::kDropped) totals.dropped++;
  if (how == Ended::kRefused) totals.refused++;
  if (how == Ended::kGivenUp) totals.given_up++;
  drop_connection();
  state_ = ending_ ? State::kOver : State::kIdle;
  due_us_ = kNever;
}

void Station::note_asked(const std::string& url) {
  auto& asked = shared_.totals.asked;
  asked[asked.size() < kMaxReasons || asked.contains(url) ? url : "other"]++;
}

void Station::note_lag(int64_t now, int64_t due_us) {
  const double lag = static_cast<double>(now - std::max(due_us, stalled_until_us_)) / 1000;
  LoadTotals& totals = shared_.totals;
  totals.lag_max_ms = std::max(totals.lag_max_ms, lag);
  totals.lag_interval_ms = std::max(totals.lag_interval_ms, lag);
}

void Station::note_sent(int64_t now, int64_t due_us) {
  note_lag(now, due_us);
  const int64_t lag_us = now - std::max(due_us, stalled_until_us_);
  if (lag_us > 200'000) shared_.totals.late_200ms++;
  if (lag_us > kSecond) shared_.totals.late_1s++;
}

void Station::log_keyframe(int64_t media_ms) const {
  std::fprintf(shared_.keyframe_log, "%.6f %lld\n", static_cast<double>(system_clock().utc_us()) / 1e6,
               static_cast<long long>(media_ms));
  std::fflush(shared_.keyframe_log);
}

SessionRecord Station::record(int64_t now) const {
  const bool accepted = was_accepted();
  SessionRecord out = accepted ? sent() : SessionRecord{};
  out.start_s = static_cast<double>((accepted ? live_us_ : now) - shared_.started_us) / 1e6;
  out.bytes = bytes_;
  return out;
}

std::vector<SessionRecord> Station::records(int64_t now) const {
  std::vector<SessionRecord> all = ended_;
  if (state_ == State::kLive || state_ == State::kFinishing || state_ == State::kDraining)
    all.push_back(record(now));
  return all;
}

}  // namespace headgate::load
