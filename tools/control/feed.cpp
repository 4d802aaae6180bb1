// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feed.h"

#include <base/json_line.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <vector>

namespace headgate::control {
namespace {

// Who leaves as he should, or is put out, is no trouble.
const char* severity_of_end(const std::string& reason) {
  const bool fault = reason.starts_with("error:") || reason == "crash";
  return fault ? kWarning : kInfo;
}

std::string list_json(const std::set<std::string>& words) {
  std::string out = "[";
  for (const std::string& word : words) out += (out.size() > 1 ? "," : "") + JsonLine::quoted(word);
  return out + "]";
}

std::string words(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

JsonLine session_fields(const Session& session) {
  JsonLine line;
  line.field("session", std::to_string(session.opened.session))  // beyond what a double holds
      .field("event", session.opened.event)
      .field("station", session.opened.station)
      .raw("worker", worker_json(session))
      .field("peer", session.opened.peer)
      .field("protocol", session.opened.protocol);
  return line;
}

std::string socket_of(int64_t worker) {
  return tools::kWorkerFront + std::to_string(worker) + ".sock";
}

// Not so soon after the last time that it was.
bool is_due(int64_t& told_us, int64_t now_us) {
  if (told_us != 0 && now_us - told_us < kHealthPauseUs) return false;
  told_us = now_us;
  return true;
}

std::string station_text(const Session& session) {
  return "station " + std::to_string(session.opened.station);
}

}  // namespace

int64_t Session::kbps() const {
  if (samples.size() < 2) return -1;
  const auto& [from_us, from] = samples.front();
  const auto& [until_us, until] = samples.back();
  if (until_us <= from_us || until < from) return -1;
  return static_cast<int64_t>(static_cast<double>(until - from) * 8000.0 /
                              static_cast<double>(until_us - from_us));
}

std::string worker_json(const Session& session) {
  return tools::is_pipeline(session.worker_number) ? "null" : std::to_string(session.worker_number);
}

Feed::Feed(Loop& loop, const Clock& clock, std::string runtime_dir, EventLog& log)
    : loop_(loop),
      clock_(clock),
      log_(log),
      alarms_(log),
      feed_(loop, std::move(runtime_dir), "control",
            {{},
             [this](const std::string& name, const wire::Message& message) { on_message(name, message); },
             [this](const std::string& name) { on_closed(name); },
             [this](const std::string& name) { incompatible_.insert(name); },
             [this](const std::string& name) { incompatible_ended(name); }}) {}

Feed::~Feed() {
  loop_.cancel(settle_);
  for (auto& [id, one] : waiting_) loop_.cancel(one.timer);
}

Result<void> Feed::start() {
  known_open_ = log_.sessions_left_open();
  if (auto started = feed_.start(); !started) return started;
  settle_ = loop_.after_ms(kSettleMs, [this] {
    settle_ = 0;
    settle();
  });
  return {};
}

// What no worker has told by now ended while this process did not run; but of those of another protocol
// nobody knows.
void Feed::settle() {
  for (const auto& [session, worker] : std::exchange(known_open_, {})) {
    const std::string name = worker ? socket_of(*worker) : "";
    if (!incompatible_.contains(name)) {
      tell_unseen(session);
      continue;
    }
    known_open_[session] = worker;
    log_.add(
        "session.unknown", kWarning,
        "session " + session + ": its worker speaks another protocol, and tells nothing until it ends",
        JsonLine().field("session", session).field("worker", *worker).field("reason", "incompatible").take());
  }
}

void Feed::incompatible_ended(const std::string& name) {
  incompatible_.erase(name);
  if (settle_ != 0) return;
  std::vector<std::string> over;
  for (const auto& [session, worker] : known_open_)
    if (worker && socket_of(*worker) == name) over.push_back(session);
  for (const std::string& session : over) {
    known_open_.erase(session);
    tell_unseen(session);
  }
}

void Feed::tell_unseen(const std::string& session) {
  log_.add("session.closed", kInfo, "session " + session + " ended while nobody looked",
           JsonLine().field("session", session).field("reason", "unseen").take());
}

void Feed::on_closed(const std::string& name) {
  states_.erase(name);
  std::vector<uint64_t> lost;
  for (const auto& [id, session] : sessions_)
    if (session.worker == name) lost.push_back(id);
  for (uint64_t id : lost) closed(id, "crash");
}

void Feed::on_message(const std::string& name, const wire::Message& message) {
  if (auto* state = std::get_if<wire::WorkerState>(&message))
    states_[name] = *state;
  else if (auto* one = std::get_if<wire::SessionOpened>(&message))
    opened(name, *one);
  else if (auto* its = std::get_if<wire::SessionHealth>(&message))
    health(*its);
  else if (auto* end = std::get_if<wire::SessionClosed>(&message))
    over(name, *end);
}

void Feed::opened(const std::string& name, const wire::SessionOpened& opened) {
  auto [place, fresh] = sessions_.try_emplace(opened.session);
  Session& session = place->second;
  session.opened = opened;
  if (fresh)
    session.began_mono_us = clock_.mono_us() - std::max<int64_t>(0, clock_.utc_us() - opened.since_utc_us);
  session.worker = name;
  session.worker_number = states_[name].worker;
  const bool told = known_open_.erase(std::to_string(opened.session)) > 0;
  if (!fresh || told) return;
  log_.add(
      "session.opened", kInfo,
      station_text(session) + ": " +
          (tools::is_pipeline(session.worker_number) ? "the node's pipeline " + opened.user_agent + " streams"
                                                     : opened.peer + " publishes over " + opened.protocol),
      session_fields(session)
          .field("ticket_id", opened.ticket_id)
          .field("user_agent", opened.user_agent)
          .take());
}

void Feed::health(const wire::SessionHealth& health) {
  auto found = sessions_.find(health.session);
  if (found == sessions_.end()) return;
  Session& session = found->second;
  session.received_bytes = health.received_bytes;
  session.last_media_mono_us = health.last_media_mono_us;
  if (!health.json.empty()) {
    session.conditions = conditions_of(health.json);
    session.paused = paused_of(health.json);
  } else {
    session.samples.emplace_back(clock_.mono_us(), health.received_bytes);
    if (session.samples.size() > kRateSamples) session.samples.pop_front();
  }
  tell_conditions(session);
  tell_paused(session);
}

void Feed::tell_conditions(Session& session) {
  if (session.conditions == session.told_conditions) return;
  if (!is_due(session.told_mono_us, clock_.mono_us())) return;
  std::set<std::string> began, ended;
  std::set_difference(session.conditions.begin(), session.conditions.end(), session.told_conditions.begin(),
                      session.told_conditions.end(), std::inserter(began, began.end()));
  std::set_difference(session.told_conditions.begin(), session.told_conditions.end(),
                      session.conditions.begin(), session.conditions.end(),
                      std::inserter(ended, ended.end()));
  session.told_conditions = session.conditions;
  const bool good = session.conditions.empty();
  log_.add("stream.health", began.empty() ? kInfo : kWarning,
           station_text(session) + (good ? " is well again" : ": " + words(session.conditions)),
           session_fields(session)
               .raw("conditions", list_json(session.conditions))
               .raw("began", list_json(began))
               .raw("ended", list_json(ended))
               .take());
}

void Feed::tell_paused(Session& session) {
  const auto missing_in = [](const auto& renditions) {
    return [&renditions](const auto& one) { return !renditions.contains(one.first); };
  };
  const bool same = std::ranges::none_of(session.paused, missing_in(session.told_paused)) &&
                    std::ranges::none_of(session.told_paused, missing_in(session.paused));
  if (same || !is_due(session.told_paused_mono_us, clock_.mono_us())) return;
  for (const auto& [name, one] : session.told_paused)
    if (!session.paused.contains(name))
      log_.add("rendition.resumed", kInfo, station_text(session) + ": " + name + " is paused no longer",
               session_fields(session).field("rendition", name).field("since_utc", one.since_utc).take());
  for (const auto& [name, one] : session.paused)
    if (!session.told_paused.contains(name))
      log_.add("rendition.paused", kWarning,
               station_text(session) + ": " + name + " is paused, " + one.reason,
               session_fields(session)
                   .field("rendition", name)
                   .field("reason", one.reason)
                   .field("cause", one.cause)
                   .field("since_utc", one.since_utc)
                   .take());
  session.told_paused = session.paused;
}

void Feed::over(const std::string& name, const wire::SessionClosed& end) {
  if (find(end.session))
    closed(end.session, end.reason);
  else  // a hand-over that came to nothing
    alarms_.refused(end, states_[name].worker, clock_.mono_us());
}

void Feed::closed(uint64_t id, const std::string& reason) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const Session session = std::move(found->second);
  sessions_.erase(found);
  const int64_t lasted_us = std::max<int64_t>(0, clock_.utc_us() - session.opened.since_utc_us);
  log_.add("session.closed", severity_of_end(reason), station_text(session) + ": session over, " + reason,
           session_fields(session)
               .field("reason", reason)
               .field("received_bytes", session.received_bytes)
               .field("duration_s", static_cast<double>(lasted_us / 1000) / 1000.0)
               .take());
  std::vector<uint64_t> due;
  for (auto& [number, one] : waiting_)
    if (one.session == id) due.push_back(number);
  for (uint64_t number : due) {
    auto waiting = waiting_.extract(number);
    loop_.cancel(waiting.mapped().timer);
    waiting.mapped().call(reason);
  }
}

const Session* Feed::find(uint64_t session) const {
  auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : &found->second;
}

const Session* Feed::of_station(uint32_t station, std::optional<uint32_t> event) const {
  const auto rank = [](const Session& one) {
    return std::tuple(!tools::is_pipeline(one.worker_number), one.began_mono_us, one.opened.session);
  };
  const Session* best = nullptr;
  for (const auto& [id, session] : sessions_)
    if (session.opened.station == station && (!event || session.opened.event == *event) &&
        (!best || rank(*best) < rank(session)))
      best = &session;
  return best;
}

void Feed::when_closed(uint64_t session, int64_t within_ms, std::function<void(const std::string&)> call) {
  const uint64_t number = ++last_waiting_;
  const Loop::TimerId timer = loop_.after_ms(within_ms, [this, number] {
    if (auto waiting = waiting_.extract(number)) waiting.mapped().call("");
  });
  waiting_[number] = {session, std::move(call), timer};
}

}  // namespace headgate::control
