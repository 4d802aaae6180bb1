// SPDX-License-Identifier: LGPL-2.1-or-later
#include "event_log.h"

#include <common/log.h>

#include <algorithm>

namespace headgate::control {

EventLog::EventLog(const Clock& clock, std::string folder, const FileLimits& limits)
    : clock_(clock), files_(std::move(folder), limits) {}

void EventLog::open() {
  if (auto opened = files_.open(); !opened) {
    told_problem_ = true;
    tools::log_error("events are kept in memory alone: " + opened.error().message);
    return;
  }
  const uint64_t last = files_.last_id();
  files_.read_after(last > kReadBack ? last - kReadBack : 0, [&](uint64_t id, const std::string& line) {
    last_id_ = std::max(last_id_, id);
    kept_.push_back({id, line});
    if (kept_.size() > kMaxKept) kept_.pop_front();
    const auto facts = facts_of(line);
    if (!facts) return true;
    if (facts->seq != 0) remember(facts->seq);
    if (facts->kind == "session.opened") sessions_left_open_[facts->session] = facts->worker;
    if (facts->kind == "session.closed") sessions_left_open_.erase(facts->session);
    return true;
  });
}

void EventLog::remember(uint64_t seq) {
  if (!seqs_.insert(seq).second) return;
  seq_order_.push_back(seq);
  if (seq_order_.size() <= kMaxSeqs) return;
  seqs_.erase(seq_order_.front());
  seq_order_.pop_front();
}

uint64_t EventLog::add(const std::string& kind, const char* severity, const std::string& text,
                       const std::string& fields) {
  Event event;
  event.utc_us = clock_.utc_us();
  event.kind = kind;
  event.severity = severity;
  event.text = text;
  event.fields = fields;
  put(std::move(event));
  return last_id_;
}

bool EventLog::take(const wire::NodeEvent& event) {
  if (seqs_.count(event.id) != 0) return false;
  remember(event.id);
  Event own;
  own.utc_us = event.utc_us;
  own.kind = event.kind;
  own.severity = severity_rank(event.severity) < 0 ? kInfo : event.severity;
  own.text = event.text;
  own.fields = event.json;
  own.seq = event.id;
  put(std::move(own));
  return true;
}

void EventLog::put(Event event) {
  event.id = ++last_id_;
  kept_.push_back({event.id, event_line(event)});
  if (kept_.size() > kMaxKept) kept_.pop_front();
  // The file's day is that of writing: what the supervisor tells late is no reason to go back.
  auto written = files_.append(event.id, clock_.utc_us(), kept_.back().line);
  if (!written && !std::exchange(told_problem_, true))
    tools::log_error("events are kept in memory alone: " + written.error().message);
  if (written) told_problem_ = false;
  const Kept told = kept_.back();  // a listener may add another one
  std::vector<uint64_t> listeners;
  for (const auto& [id, call] : listeners_) listeners.push_back(id);
  for (uint64_t id : listeners)
    if (auto found = listeners_.find(id); found != listeners_.end()) found->second(told);
}

std::vector<EventLog::Kept> EventLog::after(uint64_t after, size_t limit) const {
  std::vector<Kept> out;
  if (kept_.empty() || limit == 0) return out;
  if (after + 1 < kept_.front().id)
    files_.read_after(after, [&](uint64_t id, std::string line) {
      if (id >= kept_.front().id) return false;
      out.push_back({id, std::move(line)});
      return out.size() < limit;
    });
  auto from = std::upper_bound(kept_.begin(), kept_.end(), after,
                               [](uint64_t id, const Kept& kept) { return id < kept.id; });
  for (; from != kept_.end() && out.size() < limit; ++from) out.push_back(*from);
  return out;
}

uint64_t EventLog::first_id() const {
  if (const uint64_t first = files_.first_id(); first != 0) return first;
  return kept_.empty() ? last_id_ + 1 : kept_.front().id;
}

uint64_t EventLog::listen(OnEvent call) {
  listeners_[++last_listener_] = std::move(call);
  return last_listener_;
}

void EventLog::unlisten(uint64_t listener) {
  listeners_.erase(listener);
}

}  // namespace headgate::control
