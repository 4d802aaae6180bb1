// SPDX-License-Identifier: LGPL-2.1-or-later
// What the worker tells the node's other processes of itself: when they come, and once a second.
#include <base/json_line.h>
#include <common/log.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "worker.h"

namespace headgate::worker {

void Worker::greet(const wire::Audience::Member& member) {
  wire::Channel& channel = *member.channel;
  channel.send(state());
  if (member.role == "supervisor" && marks_.fd() >= 0) channel.send(wire::MarksFile{}, {marks_.fd()});
  if (member.role == "supervisor")
    channel.send(wire::Status{"worker", static_cast<uint32_t>(::getpid()), status_json()});
  const bool told_health = member.role == "origin" || member.role == "control";
  if (member.role != "gate" && !told_health) return;
  for (auto& [id, session] : sessions_) {
    const wire::SessionOpened& opened = session->opened();
    channel.send(opened);
    if (!told_health) continue;
    for (const auto& [rendition, history] : session->histories()) {
      if (member.role != "origin") break;
      const std::string& name = rendition;
      history.replay([&](ByteVector batch) {
        channel.send(
            wire::StreamRecords{opened.session, opened.event, opened.station, std::move(batch), name});
      });
    }
    if (!session->health().json.empty()) channel.send(session->health());
  }
  if (member.role == "origin")
    fills_.replay([&](const wire::StreamRecords& records) { channel.send(records); });
}

// One job for all: a wake-up a second, not one for each session.
Reaper::Job Worker::measure_all() {
  std::vector<Reaper::Job> jobs;
  for (auto& [id, session] : sessions_)
    if (Reaper::Job job = session->measure()) jobs.push_back(std::move(job));
  Reaper::Job commits;
  for (auto& [id, session] : sessions_)
    if (!commits && !session->run().empty()) commits = session->measure_commits();
  if (commits)
    jobs.push_back(std::move(commits));
  else
    numbers_.no_commits();
  return [jobs = std::move(jobs)] {
    for (const Reaper::Job& job : jobs) job();
  };
}

// All sessions in a row, so that who is told wakes up once.
void Worker::tell_health() {
  audience_.hold();
  for (auto& [id, session] : sessions_) {
    if (!session->health().json.empty()) audience_.tell(session->health(), {"origin"});
    wire::SessionHealth brief = session->health();  // for leases, and what control counts
    brief.json.clear();
    audience_.tell(brief, {"gate", "control"});
  }
  audience_.release();
}

wire::WorkerState Worker::state() const {
  std::string reason = fitness_.problem();
  return {settings_.id,
          static_cast<uint32_t>(::getpid()),
          static_cast<uint32_t>(sessions_.size() + admission_.waiting()),
          settings_.capacity,
          reason.empty(),
          reason};
}

void Worker::tell_state() {
  wire::WorkerState now = state();
  if (now == told_) return;
  if (now.reason != told_.reason && !now.reason.empty())
    tools::log_notice("takes no sessions: " + now.reason);
  told_ = now;
  audience_.tell(now, {"gate", "origin", "control", "supervisor"});
}

void Worker::tell_status() {
  audience_.tell(wire::Status{"worker", static_cast<uint32_t>(::getpid()), status_json()}, {"supervisor"});
}

std::string Worker::status_json() const {
  wire::WorkerState now = state();
  tools::LadderState::Load ladders;
  for (const auto& [id, session] : sessions_) {
    const auto load = session->ladder().load();
    ladders.rungs += load.rungs;
    ladders.paused += load.paused;
  }
  return JsonLine()
      .field("id", now.worker)
      .field("sessions", now.sessions)
      .field("capacity", now.capacity)
      .field("accepting", now.accepting)
      .field("reason", now.reason)
      .field("opened", opened_)
      .field("failed", failed_)
      .field("rungs", rungs_.running())
      .field("rungs_refused", rungs_.refused())
      .field("ladder_rungs", ladders.rungs)
      .field("ladder_paused", ladders.paused)
      .raw("counts", numbers_.json(runs_open()))
      .take();
}

uint64_t Worker::runs_open() const {
  return static_cast<uint64_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                             [](auto& one) { return !one.second->run().empty(); }));
}

}  // namespace headgate::worker
