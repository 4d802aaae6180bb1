// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/measure.h>
#include <load/view_load.h>

#include <csignal>

#include <base/clock.h>
#include <base/json_line.h>

namespace headgate::load {
namespace {

constexpr int64_t kTickMs = 10;

int64_t now_us() {
  return system_clock().mono_us();
}

std::string errors_json(const std::map<std::string, uint64_t>& errors) {
  std::string out;
  for (const auto& [kind, count] : errors)
    out += (out.empty() ? "" : ",") + JsonLine::quoted(kind) + ":" + std::to_string(count);
  return "{" + out + "}";
}

std::string long_stalls_json(const std::vector<LongStall>& stalls, int64_t started_us) {
  std::string out;
  for (const LongStall& one : stalls)
    out += (out.empty() ? "" : ",") +
           JsonLine()
               .field("path", one.path)
               .field("until_s", rounded(static_cast<double>(one.until_us - started_us) / 1e6))
               .field("s", rounded(one.seconds))
               .take();
  return "[" + out + "]";
}

}  // namespace

ViewLoad::ViewLoad(const ViewPlan& plan, Address server, const std::string& authority)
    : plan_(plan), shared_{.loop = loop_, .server = server, .authority = authority}, due_us_(plan.viewers) {
  for (size_t i = 0; i < plan.viewers; ++i)
    viewers_.emplace_back(shared_, due_us_[i], plan.paths[i % plan.paths.size()],
                          plan.local.empty() ? Address{} : plan.local[i % plan.local.size()]);
}

void ViewLoad::run() {
  SignalWatch signals(loop_, {SIGINT, SIGTERM}, [this](int) { loop_.stop(); });
  started_us_ = shown_us_ = now_us();
  for (size_t i = 0; i < due_us_.size(); ++i)
    due_us_[i] = started_us_ + static_cast<int64_t>(plan_.ramp_s * 1e6 * static_cast<double>(i) /
                                                    static_cast<double>(due_us_.size()));
  loop_.every_ms(kTickMs, [this] { tick(); });
  loop_.every_ms(1000, [this] { show(); });
  if (plan_.duration_s > 0)
    loop_.after_ms(static_cast<int64_t>(plan_.duration_s * 1000), [this] { loop_.stop(); });
  loop_.run();
  ended_us_ = now_us();
  for (Viewer& viewer : viewers_)
    if (viewer.started()) viewer.end(ended_us_);
}

void ViewLoad::tick() {
  int64_t now = now_us();
  for (size_t i = 0; i < due_us_.size(); ++i)
    if (due_us_[i] <= now) viewers_[i].serve(now);
}

ViewLoad::Now ViewLoad::count() const {
  Now now;
  for (const Viewer& viewer : viewers_) {
    Player::Picture picture = viewer.picture();
    now.starting += picture == Player::Picture::kStarting;
    now.playing += picture == Player::Picture::kPlaying;
    now.stalled += picture == Player::Picture::kStalled;
    now.ended += picture == Player::Picture::kEnded;
    now.stalled_ever += viewer.stalls() > 0;
  }
  return now;
}

void ViewLoad::show() {
  int64_t now = now_us();
  for (Viewer& viewer : viewers_)
    if (viewer.started()) viewer.settle(now);
  Now seen = count();
  double since = static_cast<double>(now - shown_us_) / 1e6;
  double mbit = static_cast<double>(shared_.bytes - shown_bytes_) * 8 / 1e6 / since;
  auto number = [](uint64_t n) { return static_cast<unsigned long long>(n); };
  uint64_t errors = 0;
  for (const auto& [kind, count] : shared_.errors) errors += count;
  std::string head = text("%4d s  playing %llu  starting %llu  stalled %llu  ended %llu  %.0f Mbit/s",
                          static_cast<int>((now - started_us_) / 1'000'000), number(seen.playing),
                          number(seen.starting), number(seen.stalled), number(seen.ended), mbit);
  std::string trouble =
      text("stalls %llu (%.1f s)  errors %llu", number(shared_.stalls), shared_.stall_s, number(errors));
  block_.show(
      {head, "  trouble    " + trouble + text("  skipped %llu", number(shared_.skipped)),
       text("  start-up   p50 %.2f s  p99 %.2f s", shared_.startup_s.at(0.5), shared_.startup_s.at(0.99)),
       text("  live       picture behind p50 %.2f s  p99 %.2f s   newest frame listed p50 %.2f s",
            shared_.latency_s.at(0.5), shared_.latency_s.at(0.99), shared_.edge_age_s.at(0.5)),
       text("  answers    media playlist p50 %.1f ms p99 %.1f ms   segment p50 %.1f ms p99 %.1f ms",
            shared_.response_ms[1].at(0.5), shared_.response_ms[1].at(0.99), shared_.response_ms[3].at(0.5),
            shared_.response_ms[3].at(0.99))},
      head + "  " + trouble);
  shown_us_ = now;
  shown_bytes_ = shared_.bytes;
}

bool ViewLoad::undisturbed() const {
  return shared_.stalls == 0 && shared_.errors.empty() && shared_.startup_s.count() == viewers_.size();
}

std::string ViewLoad::json() {
  Now seen = count();
  Cpu cpu = own_cpu();
  JsonLine requests;
  JsonLine answers;
  constexpr const char* kNames[Player::kAsks] = {"multivariant", "media", "init", "segment"};
  for (size_t i = 0; i < Player::kAsks; ++i) {
    requests.field(kNames[i], shared_.requests[i]);
    answers.raw(kNames[i], shared_.response_ms[i].json());
  }
  return JsonLine()
      .field("load", "view")
      .field("viewers", viewers_.size())
      .field("streams", plan_.paths.size())
      .field("run_s", rounded(static_cast<double>(ended_us_ - started_us_) / 1e6))
      .field("started", shared_.startup_s.count())
      .field("playing", seen.playing)
      .field("stalled", seen.stalled)
      .field("ended", seen.ended)
      .field("stalls", shared_.stalls)
      .field("stall_s", rounded(shared_.stall_s))
      .field("viewers_stalled", seen.stalled_ever)
      .raw("long_stalls", long_stalls_json(shared_.long_stalls, started_us_))
      .field("segments", shared_.segments)
      .field("skipped", shared_.skipped)
      .field("media_s", rounded(shared_.media_s))
      .field("bytes", shared_.bytes)
      .field("connections", shared_.connections)
      .field("stale", shared_.stale)
      .raw("requests", requests.take())
      .raw("response_ms", answers.take())
      .raw("startup_s", shared_.startup_s.json())
      .raw("latency_s", shared_.latency_s.json())
      .raw("edge_age_s", shared_.edge_age_s.json())
      .raw("errors", errors_json(shared_.errors))
      .field("cpu_user_s", rounded(cpu.user))
      .field("cpu_system_s", rounded(cpu.system))
      .take();
}

std::string ViewLoad::summary() {
  Now seen = count();
  std::string out = text(
      "%zu viewers of %zu streams: %zu saw a picture (p50 %.2f s, p99 %.2f s), %llu stalls in %llu viewers, "
      "%.1f s "
      "in all; %s bytes",
      viewers_.size(), plan_.paths.size(), shared_.startup_s.count(), shared_.startup_s.at(0.5),
      shared_.startup_s.at(0.99), static_cast<unsigned long long>(shared_.stalls),
      static_cast<unsigned long long>(seen.stalled_ever), shared_.stall_s,
      short_number(static_cast<double>(shared_.bytes)).c_str());
  for (const auto& [kind, count] : shared_.errors) out += "\n  " + std::to_string(count) + " × " + kind;
  return out;
}

}  // namespace headgate::load
