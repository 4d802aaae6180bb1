// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/dash_check.h>
#include <check/url.h>

#include <algorithm>

#include <base/clock.h>

namespace headgate::check {

using conformance::Findings;
using conformance::Mpd;

void DashCheck::start() {
  load();
}

void DashCheck::load() {
  run_.client().get(options_.url, "", [this](const Answer& answer) { answered(answer); });
}

void DashCheck::answered(const Answer& answer) {
  Findings findings;
  const bool first = history_.last() == nullptr;
  if (answer.status != 200) {
    if (first) {
      unreachable_ = answer.problem();
      return run_.end();
    }
    add_dash(findings, "mpd-status", 0, answer.problem());
    run_.found("MPD", findings);
    return run_.after(kMpdRetryUs, [this] { load(); });
  }
  if (answer.type != "application/dash+xml")
    add_dash(findings, "mpd-type", 0, "it is sent as '" + answer.type + "'");
  conformance::ParsedMpd parsed = conformance::parse_mpd(as_text(answer.body));
  findings.insert(findings.end(), parsed.findings.begin(), parsed.findings.end());
  if (parsed.mpd) {
    Findings changes = history_.observe(*parsed.mpd, {answer.asked_us, answer.loaded_us, false});
    findings.insert(findings.end(), changes.begin(), changes.end());
  }
  run_.found("MPD", findings);
  if (!parsed.mpd) {
    if (!first) return run_.after(kMpdRetryUs, [this] { load(); });
    unreachable_ = "this is no MPD";
    return run_.end();
  }
  ++readings_;
  take(*parsed.mpd, answer.url);
  if (!parsed.mpd->dynamic) return see_end();
  // What says nothing changes with each segment (5.3.1.2: without minimumUpdatePeriod it does not change at
  // all).
  const int64_t period = parsed.mpd->update_period.value_or(parsed.mpd->max_segment.value_or(kMpdRetryUs));
  const int64_t due = answer.asked_us + std::max<int64_t>(period, kMpdShortestUs);
  run_.after(due - system_clock().mono_us(), [this] { load(); });
}

void DashCheck::take(const Mpd& mpd, const std::string& base) {
  size_t number = 0;
  for (const conformance::MpdPeriod& period : mpd.periods) {
    const std::string name = period.id.empty() ? "#" + std::to_string(number) : period.id;
    ++number;
    int64_t looked_at = 0;
    for (const conformance::MpdSet& set : period.sets)
      for (const conformance::MpdRepresentation& one : set.representations) {
        if (options_.variants > 0 && ++looked_at > options_.variants) continue;
        auto& queue = queues_[name + "/" + one.id];
        if (!queue) queue = std::make_unique<DashQueue>(run_, name + "/" + one.id, mpd.dynamic);
        queue->take(mpd, period, one, base, system_clock().utc_us());
      }
  }
}

void DashCheck::see_end() {
  if (std::all_of(queues_.begin(), queues_.end(), [](const auto& one) { return one.second->idle(); }))
    return run_.end();
  run_.after(kMpdRetryUs, [this] { see_end(); });
}

std::vector<std::string> DashCheck::rows() const {
  constexpr size_t kRows = 16;
  std::vector<std::string> out{"MPD   " + std::to_string(readings_) + " readings"};
  for (const auto& [name, queue] : queues_)
    if (out.size() < kRows) out.push_back(queue->row());
  return out;
}

std::string DashCheck::json() const {
  std::string out = "[";
  for (const auto& [name, queue] : queues_) out += (out.size() > 1 ? "," : "") + queue->json();
  return out + "]";
}

}  // namespace headgate::check
