// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker.h"

#include <base/clock.h>
#include <base/json_line.h>
#include <common/log.h>
#include <playlist/record.h>
#include <store/run_writer.h>
#include <ticket/ticket.h>
#include <unistd.h>

#include <algorithm>

namespace headgate::worker {

using tools::log_info;
using tools::log_notice;
using tools::log_warning;

namespace {

constexpr int64_t kMinuteUs = 60'000'000;

std::string word_of(int code) {
  return code == ticket::kNoStorage  ? "NO-STORAGE"
         : code == ticket::kConflict ? "IN-USE"
         : code == ticket::kOverload ? "OVERLOAD"
                                     : "DOWN";
}

// Publishers are told it: no paths and numbers, which the log has.
std::string for_strangers(const std::string& problem) {
  std::string front = problem.substr(0, problem.find(':'));
  if (front.find('/') != front.npos) front = "the archive cannot be written";
  return std::string(wire::kNoStorageFront) + front;
}

}  // namespace

Worker::Worker(Loop& loop, Settings settings)
    : loop_(loop), settings_(std::move(settings)), farewells_(loop) {
  inbox_ =
      std::make_shared<Inbox>(loop_, [this](std::vector<BusEvent> events) { on_events(std::move(events)); });
}

Worker::~Worker() {
  loop_.cancel(tick_);
  loop_.cancel(give_up_timer_);
  for (auto& [station, pending] : pending_) loop_.cancel(pending.deadline);
  inbox_->stop();
}

Result<PipelinePtr> Worker::build(const Settings& settings, const Description& description) {
  Values values = settings.parameters;
  if (description.has_parameter("root")) values["root"] = settings.root;
  if (description.has_parameter("node")) values["node"] = settings.node;
  std::erase_if(values, [&](const auto& value) { return !description.has_parameter(value.first); });
  auto line = description.launch_line(values);
  if (!line) return Unexpected(line.error());
  auto pipeline = build_pipeline(*line);
  if (!pipeline) return Unexpected("pipeline " + description.name() + ": " + pipeline.error().message);
  return pipeline;
}

Result<void> Worker::start() {
  look_at_archive();
  std::string path = settings_.runtime_dir + "/worker-" + std::to_string(settings_.id) + ".sock";
  auto acceptor = wire::Acceptor::listen(
      loop_, path, [this](std::unique_ptr<wire::Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  tick_ = loop_.every_ms(kTickMs, [this] { tick(); });
  return {};
}

void Worker::stop() {
  if (std::exchange(stopping_, true)) return;
  tell_state();
  refuse_all_pending({ticket::kDown, "kick:shutdown", "the server is being stopped"});
  for (auto& [id, session] : sessions_) session->end("shutdown");
  if (sessions_.empty()) return loop_.stop();
  loop_.after_ms(kStopMs, [this] { loop_.stop(); });
}

int Worker::exit_code() const {
  return sessions_.empty() && hopeless_.empty() ? 0 : 1;
}

void Worker::accept(std::unique_ptr<wire::Channel> channel) {
  auto owned = std::make_unique<Subscriber>();
  Subscriber* subscriber = owned.get();
  subscriber->channel = std::move(channel);
  subscribers_.insert(std::move(owned));
  subscriber->channel->start(
      [this, subscriber](wire::Message message, std::vector<UniqueFd> fds) {
        on_message(*subscriber, std::move(message), std::move(fds));
      },
      [this, subscriber] {
        std::erase_if(subscribers_, [&](const auto& one) { return one.get() == subscriber; });
      });
}

void Worker::on_message(Subscriber& from, wire::Message message, std::vector<UniqueFd> fds) {
  if (auto* hello = std::get_if<wire::Hello>(&message)) {
    from.role = hello->role;
    greet(from);
  } else if (auto* handoff = std::get_if<wire::Handoff>(&message)) {
    if (fds.size() == 1) take(std::move(*handoff), std::move(fds[0]));
  } else if (auto* wanted = std::get_if<wire::Kick>(&message)) {
    kick(*wanted);
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    from.channel->send(wire::Listeners{});
  } else if (std::holds_alternative<wire::Drain>(message)) {
    draining_ = true;
    tell_state();
  } else if (std::holds_alternative<wire::Stop>(message)) {
    stop();
  }
}

void Worker::greet(Subscriber& subscriber) {
  wire::Channel& channel = *subscriber.channel;
  channel.send(state());
  if (subscriber.role == "supervisor")
    channel.send(wire::Status{"worker", static_cast<uint32_t>(::getpid()), status_json()});
  if (subscriber.role != "gate" && subscriber.role != "origin") return;
  for (auto& [id, session] : sessions_) {
    const wire::SessionOpened& opened = session->opened();
    channel.send(opened);
    if (subscriber.role != "origin") continue;
    session->history().replay([&](ByteVector batch) {
      channel.send(wire::StreamRecords{opened.session, opened.event, opened.station, std::move(batch)});
    });
    if (!session->health().json.empty()) channel.send(session->health());
  }
}

std::string Worker::unfit() const {
  if (stopping_) return "stopping";
  if (draining_) return "draining";
  if (!hopeless_.empty()) return hopeless_;
  return archive_problem_;
}

Worker::Refusal Worker::unfit_refusal(const std::string& reason) {
  return {reason.starts_with(wire::kNoStorageFront) ? ticket::kNoStorage : ticket::kDown, "error:" + reason,
          reason};
}

std::optional<Worker::Refusal> Worker::reason_to_refuse(const wire::Handoff& handoff) const {
  if (std::string reason = unfit(); !reason.empty()) return unfit_refusal(reason);
  Station station{handoff.event, handoff.station};
  bool replaces = running_.count(station) != 0;
  // Who waits for a former session gets its place, which is counted.
  if (!replaces && sessions_.size() >= settings_.capacity)
    return Refusal{ticket::kDown, "error:worker is full", "all places are taken"};
  auto failed = errors_.find(station);
  if (failed != errors_.end() &&
      static_cast<int64_t>(failed->second.size()) >= settings_.description.errors_per_minute())
    return Refusal{
        ticket::kOverload,
        "error:its pipeline failed " + std::to_string(failed->second.size()) + " times within a minute",
        "this station failed " + std::to_string(failed->second.size()) + " times within a minute"};
  return std::nullopt;
}

void Worker::take(wire::Handoff handoff, UniqueFd connection) {
  if (auto refusal = reason_to_refuse(handoff)) return refuse(handoff, std::move(connection), *refusal);
  Station station{handoff.event, handoff.station};
  auto former = running_.find(station);
  if (former == running_.end()) return begin(handoff, std::move(connection));
  if (pending_.count(station) != 0)
    refuse_pending(station, {ticket::kConflict, "kick:superseded", "this station has connected once more"});
  auto deadline = loop_.after_ms(settings_.pending_ms, [this, station] {
    refuse_pending(station, {ticket::kDown, "error:its last session does not end",
                             "this station's last session does not end"});
  });
  pending_[station] = {std::move(handoff), std::move(connection), deadline};
  if (Session* session = find(former->second)) session->end("superseded");
}

void Worker::refuse(const wire::Handoff& handoff, UniqueFd connection, const Refusal& refusal) {
  log_warning("session refused: " + refusal.reason,
              {{"STATION", handoff.station}, {"SESSION", handoff.session}, {"PEER", handoff.peer}});
  farewells_.refuse(std::move(connection), handoff.state, refusal.code,
                    word_of(refusal.code) + ": " + refusal.text + ". Try again in a few seconds.");
  tell(wire::SessionClosed{handoff.session, handoff.event, handoff.station, refusal.reason}, {"gate"});
}

void Worker::refuse_pending(const Station& station, const Refusal& refusal) {
  auto waiting = pending_.extract(station);
  loop_.cancel(waiting.mapped().deadline);
  refuse(waiting.mapped().handoff, std::move(waiting.mapped().connection), refusal);
  tell_state();
}

void Worker::refuse_all_pending(const Refusal& refusal) {
  while (!pending_.empty()) refuse_pending(pending_.begin()->first, refusal);
}

void Worker::begin(const wire::Handoff& handoff, UniqueFd connection) {
  auto pipeline = build(settings_, settings_.description);
  if (!pipeline)
    return refuse(handoff, std::move(connection),
                  {ticket::kDown, "error:" + pipeline.error().message, "the pipeline cannot be built"});
  auto session = Session::start(loop_, reaper_, inbox_, *std::move(pipeline), handoff, std::move(connection));
  if (!session)  // the connection went with it
    return refuse(handoff, UniqueFd(), {ticket::kDown, "error:" + session.error().message, ""});
  ++opened_;
  const wire::SessionOpened& opened = (*session)->opened();
  log_info("session opened", {{"STATION", handoff.station},
                              {"SESSION", handoff.session},
                              {"PEER", handoff.peer},
                              {"PROTOCOL", handoff.protocol},
                              {"TICKET", handoff.ticket_id},
                              {"USER_AGENT", handoff.user_agent}});
  tell(opened, {"gate", "origin"});
  running_[{handoff.event, handoff.station}] = handoff.session;
  claims_.emplace(handoff.session, Claims(handoff.max_kbps, handoff.codecs, settings_.claims));
  sessions_[handoff.session] = *std::move(session);
  tell_state();
}

void Worker::kick(const wire::Kick& wanted) {
  if (Session* session = find(wanted.session)) return session->end(wanted.reason);
  for (auto waiting = pending_.begin(); waiting != pending_.end(); ++waiting) {
    if (waiting->second.handoff.session != wanted.session) continue;
    return refuse_pending(waiting->first, {ticket::kDown, "kick:" + wanted.reason, wanted.reason});
  }
}

void Worker::on_events(std::vector<BusEvent> events) {
  hold();
  std::map<uint64_t, wire::StreamRecords> batches;
  auto flush = [&](uint64_t id) {
    auto batch = batches.find(id);
    if (batch == batches.end()) return;
    tell(batch->second, {"origin"});
    batches.erase(batch);
  };
  for (BusEvent& event : events) {
    Session* session = find(event.session);
    if (!session) continue;
    const wire::SessionOpened& opened = session->opened();
    if (auto* records = std::get_if<RecordsEvent>(&event.what)) {
      on_records(*session, *records, batches);
    } else if (auto* health = std::get_if<HealthEvent>(&event.what)) {
      session->health().json = std::move(health->json);
      session->health().frame_rate_milli = health->frame_rate_milli;
      if (!health->regular) {
        flush(event.session);
        tell(session->health(), {"origin"});
      }
    } else if (auto* closing = std::get_if<ClosingEvent>(&event.what)) {
      session->on_closing(closing->reason);
    } else if (std::holds_alternative<EosEvent>(event.what)) {
      session->on_eos();
    } else if (auto* failure = std::get_if<FailureEvent>(&event.what)) {
      log_warning("pipeline error: " + failure->text,
                  {{"STATION", opened.station}, {"SESSION", opened.session}});
      session->on_failure(failure->text);
    } else if (auto* stats = std::get_if<StatsEvent>(&event.what)) {
      session->health().received_bytes = stats->received_bytes;
      session->health().last_media_mono_us = stats->last_media_mono_us;
      hold_to_rate(*session);
    } else if (auto* archive = std::get_if<ArchiveEvent>(&event.what)) {
      on_archive(*session, *archive);
    } else if (auto* closed = std::get_if<ClosedEvent>(&event.what)) {
      flush(event.session);
      on_closed(event.session, closed->reason);
    } else if (auto* notice = std::get_if<NoticeEvent>(&event.what)) {
      log_notice(notice->text, {{"STATION", opened.station}, {"SESSION", opened.session}});
    }
  }
  while (!batches.empty()) flush(batches.begin()->first);
  release();
}

void Worker::on_records(Session& session, const RecordsEvent& event,
                        std::map<uint64_t, wire::StreamRecords>& batches) {
  const wire::SessionOpened& opened = session.opened();
  ByteReader reader(event.records);
  while (reader.remaining() > 0) {
    uint32_t length = reader.u32();
    Bytes record = reader.bytes(length);
    if (!reader.ok()) return;
    session.history().add(record);
    hold_to_codecs(session, record);
    wire::StreamRecords& batch = batches[opened.session];
    if (batch.records.size() + 4 + length > wire::kMaxRecordsBytes) {
      tell(batch, {"origin"});
      batch.records.clear();
    }
    batch.session = opened.session;
    batch.event = opened.event;
    batch.station = opened.station;
    ByteWriter writer(batch.records);
    writer.u32(length);
    writer.bytes(record);
  }
}

void Worker::on_archive(const Session& session, const ArchiveEvent& archive) {
  log_notice("archive " + archive.state + (archive.reason.empty() ? "" : ": " + archive.reason),
             {{"STATION", session.opened().station}, {"SESSION", session.opened().session}});
  // One run that cannot go on ends its session by itself (an error of the element). To a broken volume this
  // process will not write again (docs/archive.md); a fresh one may, or another node does.
  if (!archive.broken || !hopeless_.empty()) return;
  give_up(std::string(wire::kNoStorageFront) + "the archive's disk fails");
  for (auto& [id, one] : sessions_)
    one->end(std::to_string(ticket::kNoStorage) + " NO-STORAGE: this server's disk fails. Connect again.");
}

void Worker::hold_to_codecs(Session& session, Bytes record) {
  auto decoded = playlist::decode(record);
  auto* init = decoded ? std::get_if<playlist::InitRecord>(&*decoded) : nullptr;
  if (!init) return;
  std::string problem = claims_.at(session.opened().session).refuse_codecs(init->codecs);
  if (!problem.empty()) end_at_fault(session, problem);
}

void Worker::hold_to_rate(Session& session) {
  const wire::SessionOpened& opened = session.opened();
  Claims& claims = claims_.at(opened.session);
  switch (claims.received(session.health().received_bytes, system_clock().mono_us())) {
    case Claims::Rate::fine:
      return;
    case Claims::Rate::over:
      return log_warning("over its rate: " + claims.rate_text(),
                         {{"STATION", opened.station}, {"SESSION", opened.session}});
    case Claims::Rate::cut:
      return end_at_fault(session, claims.rate_text());
  }
}

// Counts like an error of its pipeline: who comes back and does it again is refused after a while.
void Worker::end_at_fault(Session& session, const std::string& reason) {
  if (session.ending()) return;
  const wire::SessionOpened& opened = session.opened();
  errors_[{opened.event, opened.station}].push_back(system_clock().mono_us());
  session.end(reason);
}

void Worker::on_closed(uint64_t id, const std::string& reason) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  std::unique_ptr<Session> session = std::move(found->second);
  sessions_.erase(found);
  claims_.erase(id);
  const wire::SessionOpened& opened = session->opened();
  Station station{opened.event, opened.station};
  running_.erase(station);
  if (reason.rfind("error:", 0) == 0) {
    ++failed_;
    errors_[station].push_back(system_clock().mono_us());
  }
  log_info("session closed: " + reason,
           {{"STATION", opened.station}, {"SESSION", id}, {"PEER", opened.peer}});
  tell(wire::SessionClosed{id, opened.event, opened.station, reason}, {"gate", "origin"});
  if (auto next = pending_.find(station); next != pending_.end()) {
    Pending pending = std::move(next->second);
    pending_.erase(next);
    loop_.cancel(pending.deadline);
    // Much may have happened since it came.
    if (auto refusal = reason_to_refuse(pending.handoff))
      refuse(pending.handoff, std::move(pending.connection), *refusal);
    else
      begin(pending.handoff, std::move(pending.connection));
  }
  tell_state();
  if (stopping_ && sessions_.empty()) loop_.stop();
}

void Worker::look_at_archive() {
  store::VolumeSettings volume;
  volume.root = settings_.root;
  std::string problem = store::Volume::inspect(volume, settings_.event).problem;
  if (problem != full_problem_ && !problem.empty()) log_warning("nothing can be recorded: " + problem);
  full_problem_ = problem;
  archive_problem_ = problem.empty() ? "" : for_strangers(problem);
}

// Takes nothing more, and ends when nothing runs that can still end well: the supervisor starts a fresh one.
void Worker::give_up(const std::string& reason) {
  if (!hopeless_.empty()) return;
  hopeless_ = reason;
  last_ran_us_ = system_clock().mono_us();
  log_warning("this worker cannot go on and ends when its sessions have: " + reason);
  give_up_timer_ = loop_.after_ms(settings_.give_up_ms, [this] { loop_.stop(); });
  refuse_all_pending(unfit_refusal(reason));
  tell_state();
}

bool Worker::any_running() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](auto& one) { return !one.second->ending(); });
}

// Of a worker that was given up: all are closed, or those that are left had their time.
bool Worker::nothing_ends_any_more() {
  const int64_t now_us = system_clock().mono_us();
  if (any_running()) last_ran_us_ = now_us;
  return sessions_.empty() || now_us - last_ran_us_ >= settings_.last_words_ms * 1000;
}

void Worker::tick() {
  look_at_archive();
  if (reaper_.busy_ms() > settings_.stuck_ms) give_up("a session does not end");
  if (!hopeless_.empty() && nothing_ends_any_more()) return loop_.stop();
  int64_t minute_ago = system_clock().mono_us() - kMinuteUs;
  for (auto& [station, times] : errors_)
    while (!times.empty() && times.front() < minute_ago) times.pop_front();
  std::erase_if(errors_, [](const auto& one) { return one.second.empty(); });
  // A source that cannot be looked at is stuck: the reaper is then busy, and the worker gives up.
  if (reaper_.busy_ms() == 0) reaper_.run(measure_all());
  tell_health();
  tell_state();
  tell(wire::Status{"worker", static_cast<uint32_t>(::getpid()), status_json()}, {"supervisor"});
}

// One job for all: a wake-up a second, not one for each session.
Reaper::Job Worker::measure_all() {
  std::vector<Reaper::Job> jobs;
  for (auto& [id, session] : sessions_)
    if (Reaper::Job job = session->measure()) jobs.push_back(std::move(job));
  return [jobs = std::move(jobs)] {
    for (const Reaper::Job& job : jobs) job();
  };
}

// All sessions in a row, so that who is told wakes up once.
void Worker::tell_health() {
  hold();
  for (auto& [id, session] : sessions_) {
    if (!session->health().json.empty()) tell(session->health(), {"origin"});
    wire::SessionHealth brief = session->health();  // for leases
    brief.json.clear();
    tell(brief, {"gate"});
  }
  release();
}

void Worker::hold() {
  for (auto& subscriber : subscribers_) subscriber->channel->hold();
}

void Worker::release() {
  for (auto& subscriber : subscribers_) subscriber->channel->release();
}

void Worker::tell(const wire::Message& message, std::initializer_list<std::string_view> roles) {
  for (auto& subscriber : subscribers_)
    if (std::find(roles.begin(), roles.end(), subscriber->role) != roles.end())
      subscriber->channel->send(message);
}

wire::WorkerState Worker::state() const {
  std::string reason = unfit();
  return {settings_.id,
          static_cast<uint32_t>(::getpid()),
          static_cast<uint32_t>(sessions_.size() + pending_.size()),
          settings_.capacity,
          reason.empty(),
          reason};
}

void Worker::tell_state() {
  wire::WorkerState now = state();
  if (now == told_) return;
  if (now.reason != told_.reason && !now.reason.empty()) log_notice("takes no sessions: " + now.reason);
  told_ = now;
  tell(now, {"gate", "origin", "supervisor"});
}

std::string Worker::status_json() const {
  wire::WorkerState now = state();
  return JsonLine()
      .field("id", now.worker)
      .field("sessions", now.sessions)
      .field("capacity", now.capacity)
      .field("accepting", now.accepting)
      .field("reason", now.reason)
      .field("opened", opened_)
      .field("failed", failed_)
      .take();
}

Session* Worker::find(uint64_t session) {
  auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second.get();
}

}  // namespace headgate::worker
