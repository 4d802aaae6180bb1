// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/measure.h>
#include <load/publish_load.h>

#include <algorithm>
#include <cmath>

#include <base/clock.h>
#include <base/json_line.h>

namespace headgate::load {
namespace {

constexpr int64_t kDisturbMs = 100;

int64_t now_us() {
  return system_clock().mono_us();
}

std::string session_json(const SessionRecord& record) {
  return JsonLine()
      .field("start_s", rounded(record.start_s))
      .field("ended", record.ended == Ended::kNot ? "running" : ended_name(record.ended))
      .field("video", record.video)
      .field("audio", record.audio)
      .field("bytes", record.bytes)
      .field("undelivered", record.undelivered)
      .take();
}

std::string counts_json(const std::map<std::string, uint64_t>& counts) {
  JsonLine line;
  for (const auto& [name, count] : counts) line.field(name, count);
  return line.take();
}

}  // namespace

PublishLoad::PublishLoad(PublishPlan plan, size_t stations, const MakeStation& make, std::FILE* keyframe_log)
    : plan_(plan),
      shared_{
          .loop = loop_, .totals = {}, .random = std::mt19937_64(plan.seed), .keyframe_log = keyframe_log},
      due_us_(stations) {
  for (size_t i = 0; i < stations; ++i) stations_.push_back(make(shared_, due_us_[i], i));
}

void PublishLoad::run() {
  shared_.started_us = shown_us_ = now_us();
  for (size_t i = 0; i < stations_.size(); ++i)
    stations_[i]->start_at(shared_.started_us +
                           static_cast<int64_t>(plan_.ramp_s * 1e6 * static_cast<double>(i) /
                                                static_cast<double>(stations_.size())));
  loop_.every_ms(plan_.tick_ms, [this] { tick(); });
  loop_.every_ms(1000, [this] { show(); });
  if (plan_.cuts_per_minute > 0 || plan_.stalls_per_minute > 0)
    loop_.every_ms(kDisturbMs, [this] { disturb(); });
  if (plan_.reconnect_every_s > 0)
    loop_.every_ms(static_cast<int64_t>(plan_.reconnect_every_s * 1000), [this] { storm(); });
  if (plan_.duration_s > 0)
    loop_.after_ms(static_cast<int64_t>(plan_.duration_s * 1000), [this] { finish(); });
  loop_.run();
  ended_us_ = now_us();
}

void PublishLoad::tick() {
  int64_t now = now_us();
  if (last_tick_us_ > 0) {
    double late = static_cast<double>(now - last_tick_us_ - plan_.tick_ms * 1000) / 1000;
    tick_late_max_ms_ = std::max(tick_late_max_ms_, late);
  }
  last_tick_us_ = now;
  for (size_t i = 0; i < due_us_.size(); ++i)
    if (due_us_[i] <= now) stations_[i]->serve(now);
  if (finishing_ &&
      std::all_of(stations_.begin(), stations_.end(), [](const auto& one) { return one->over(); }))
    loop_.stop();
}

void PublishLoad::finish() {
  if (finishing_) return;
  finishing_ = true;
  int64_t now = now_us();
  for (const auto& station : stations_) station->finish(now);
}

void PublishLoad::disturb() {
  if (finishing_) return;
  int64_t now = now_us();
  double rounds = 60'000.0 / kDisturbMs;
  for (const auto& station : stations_) {
    if (!station->live()) continue;
    if (chance() < plan_.cuts_per_minute / rounds)
      station->cut(now, now + static_cast<int64_t>(plan_.reconnect_within_s * 1e6 * chance()),
                   plan_.silent_cuts);
    else if (chance() < plan_.stalls_per_minute / rounds)
      station->stall(now + static_cast<int64_t>(plan_.stall_s * 1e6));
  }
}

void PublishLoad::storm() {
  if (finishing_) return;
  std::vector<Station*> live;
  for (const auto& station : stations_)
    if (station->live()) live.push_back(station.get());
  std::shuffle(live.begin(), live.end(), shared_.random);
  live.resize(static_cast<size_t>(std::lround(static_cast<double>(live.size()) * plan_.reconnect_share)));
  int64_t now = now_us();
  for (Station* station : live)
    station->cut(now, now + static_cast<int64_t>(plan_.reconnect_within_s * 1e6 * chance()),
                 plan_.silent_cuts);
}

void PublishLoad::show() {
  LoadTotals& totals = shared_.totals;
  int64_t now = now_us();
  double since = static_cast<double>(now - shown_us_) / 1e6;
  Cpu cpu = own_cpu();
  double mbit = static_cast<double>(totals.bytes - shown_bytes_) * 8 / 1e6 / since;
  double percent = (cpu.user + cpu.system - shown_cpu_s_) / since * 100;
  int run_s = static_cast<int>((now - shared_.started_us) / 1'000'000);
  auto count = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  std::string head = text("%4d s  live %llu of %zu  connecting %llu  %.0f Mbit/s", run_s, count(totals.live),
                          stations_.size(), count(totals.connecting), mbit);
  std::string ends = text("refused %llu  dropped %llu  cut %llu", count(totals.refused),
                          count(totals.dropped), count(totals.cut));
  block_.show(
      {head, "  sessions   accepted " + std::to_string(totals.accepted) + "  " + ends,
       text("  accepted   after connect() p50 %.0f ms  p99 %.0f ms   after publish p50 %.1f ms  p99 %.1f ms",
            totals.connect_ms.at(0.5), totals.connect_ms.at(0.99), totals.accept_ms.at(0.5),
            totals.accept_ms.at(0.99)),
       text("  behind     now %.0f ms  worst %.0f ms  late > 200 ms %s  > 1 s %s", totals.lag_interval_ms,
            totals.lag_max_ms, short_number(static_cast<double>(totals.late_200ms)).c_str(),
            short_number(static_cast<double>(totals.late_1s)).c_str()),
       text("  this load  %.0f %% of a core, tick late by at most %.1f ms", percent, tick_late_max_ms_)},
      head + "  " + ends + text("  behind %.0f ms", totals.lag_interval_ms));
  totals.lag_interval_ms = 0;
  shown_bytes_ = totals.bytes;
  shown_cpu_s_ = cpu.user + cpu.system;
  shown_us_ = now;
}

bool PublishLoad::undisturbed() const {
  return shared_.totals.refused == 0 && shared_.totals.dropped == 0 && shared_.totals.accepted > 0;
}

std::string PublishLoad::json() {
  LoadTotals& totals = shared_.totals;
  Cpu cpu = own_cpu();
  uint64_t video = 0, audio = 0;
  std::string stations;
  for (const auto& station : stations_) {
    std::string sessions;
    for (const SessionRecord& record : station->records(ended_us_)) {
      video += record.video;
      audio += record.audio;
      sessions += (sessions.empty() ? "" : ",") + session_json(record);
    }
    JsonLine line;
    line.field("station", station->number()).raw("sessions", "[" + sessions + "]");
    stations += (stations.empty() ? "\n" : ",\n") + line.take();
  }
  double per_stream_s =
      totals.stream_seconds > 0 ? (cpu.user + cpu.system) * 1000 / totals.stream_seconds : 0.0;
  return JsonLine()
      .field("load", "publish")
      .field("stations", stations_.size())
      .field("run_s", rounded(static_cast<double>(ended_us_ - shared_.started_us) / 1e6))
      .field("stream_seconds", rounded(totals.stream_seconds))
      .field("sessions", totals.sessions)
      .field("accepted", totals.accepted)
      .field("finished", totals.finished)
      .field("cut", totals.cut)
      .field("dropped", totals.dropped)
      .field("refused", totals.refused)
      .field("given_up", totals.given_up)
      .raw("reasons", counts_json(totals.reasons))
      .raw("asked", counts_json(totals.asked))
      .field("video", video)
      .field("audio", audio)
      .field("bytes", totals.bytes)
      .field("sends", totals.sends)
      .field("lag_max_ms", rounded(totals.lag_max_ms))
      .field("late_over_200ms", totals.late_200ms)
      .field("late_over_1s", totals.late_1s)
      .field("tick_late_max_ms", rounded(tick_late_max_ms_))
      .raw("connect_ms", totals.connect_ms.json())
      .raw("accept_ms", totals.accept_ms.json())
      .field("cpu_user_s", rounded(cpu.user))
      .field("cpu_system_s", rounded(cpu.system))
      .field("cpu_ms_per_stream_second", rounded(per_stream_s))
      .raw("per_station", "[" + stations + "]")
      .take();
}

std::string PublishLoad::summary() {
  const LoadTotals& totals = shared_.totals;
  Cpu cpu = own_cpu();
  std::string out = text(
      "%zu stations, %.0f stream-seconds: %llu sessions accepted, %llu refused, %llu dropped, %llu cut; "
      "worst lag "
      "%.0f ms, %llu messages late by more than 1 s; own CPU %.3f ms per stream-second",
      stations_.size(), totals.stream_seconds, static_cast<unsigned long long>(totals.accepted),
      static_cast<unsigned long long>(totals.refused), static_cast<unsigned long long>(totals.dropped),
      static_cast<unsigned long long>(totals.cut), totals.lag_max_ms,
      static_cast<unsigned long long>(totals.late_1s),
      totals.stream_seconds > 0 ? (cpu.user + cpu.system) * 1000 / totals.stream_seconds : 0.0);
  for (const auto& [reason, count] : totals.reasons) out += "\n  " + std::to_string(count) + " × " + reason;
  return out;
}

}  // namespace headgate::load
