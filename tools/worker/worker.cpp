// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker.h"

#include <base/clock.h>
#include <base/json_line.h>
#include <common/log.h>
#include <playlist/record.h>
#include <playlist/rendition.h>
#include <ticket/ticket.h>
#include <unistd.h>

#include <algorithm>

namespace headgate::worker {

using tools::log_info;
using tools::log_notice;
using tools::log_warning;

namespace {

constexpr size_t kSpareMarks = 16;  // of sessions on their way out whose station has another already

}  // namespace

Worker::Worker(Loop& loop, Settings settings)
    : loop_(loop),
      settings_(std::move(settings)),
      fitness_(settings_.root, settings_.event),
      admission_(loop,
                 {settings_.capacity, settings_.description.errors_per_minute(), settings_.pending_ms,
                  settings_.on_its_way_ms},
                 fitness_, *this),
      marks_(settings_.capacity + kSpareMarks),
      fills_(
          loop, settings_.root, settings_.node,
          [this](const wire::StreamRecords& records) { tell(records, {"origin"}); },
          [this] {
            if (is_done()) loop_.stop();
          }),
      rungs_(settings_.max_rungs) {
  inbox_ =
      std::make_shared<Inbox>(loop_, [this](std::vector<BusEvent> events) { on_events(std::move(events)); });
}

Worker::~Worker() {
  loop_.cancel(tick_);
  loop_.cancel(give_up_timer_);
  inbox_->stop();
}

Result<PipelinePtr> Worker::build(const Settings& settings, const Description& description) {
  Values values = settings.parameters;
  if (description.has_parameter("root")) values["root"] = settings.root;
  if (description.has_parameter("node")) values["node"] = settings.node;
  std::erase_if(values, [&](const auto& value) { return !description.has_parameter(value.first); });
  auto pipeline = pipeline::build(description, values);
  if (!pipeline) return pipeline;
  if (auto wish = fill_wish(pipeline->get()); !wish)
    return Unexpected("pipeline " + description.name() + ": " + wish.error().message);
  return pipeline;
}

Result<void> Worker::start() {
  fitness_.look_at_archive();
  std::string path = settings_.runtime_dir + "/worker-" + std::to_string(settings_.id) + ".sock";
  auto acceptor = wire::Acceptor::listen(
      loop_, path, [this](std::unique_ptr<wire::Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  tick_ = loop_.every_ms(kTickMs, [this] { tick(); });
  return {};
}

void Worker::stop() {
  if (!fitness_.stop()) return;
  tell_state();
  admission_.refuse_waiting({ticket::kDown, "kick:shutdown", "the server is being stopped"});
  fills_.stop_all();
  for (auto& [id, session] : sessions_) session->end("shutdown");
  if (is_done()) return loop_.stop();
  loop_.after_ms(kStopMs, [this] { loop_.stop(); });
}

void Worker::retire() {
  retired_ = true;
  fitness_.drain();
  tell_state();
}

void Worker::take(Description description) {
  admission_.allow_errors(description.errors_per_minute());
  settings_.description = std::move(description);
}

int Worker::exit_code() const {
  return sessions_.empty() && !fitness_.given_up() ? 0 : 1;
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
    if (fds.size() == 1) admission_.take(std::move(*handoff), std::move(fds[0]));
  } else if (auto* wanted = std::get_if<wire::Kick>(&message)) {
    kick(*wanted);
  } else if (auto* rendition = std::get_if<wire::WantRendition>(&message)) {
    want(*rendition);
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    from.channel->send(wire::Listeners{});
  } else if (auto* drain = std::get_if<wire::Drain>(&message)) {
    if (!drain->on) return;  // one that was drained ends
    fitness_.drain();
    tell_state();
  } else if (auto* ask = std::get_if<wire::AskReconnect>(&message)) {
    ask_to_reconnect(*ask);
  } else if (std::holds_alternative<wire::Stop>(message)) {
    stop();
  }
}

void Worker::want(const wire::WantRendition& wanted) {
  Session* session = find(wanted.session);
  if (!session || !playlist::valid_rendition(wanted.rendition)) return;
  if (wanted.rendition == wire::kPoster) return session->want_picture();
  if (rungs_.ask(wanted.session, wanted.rendition, system_clock().mono_us() / 1000))
    session->want(wanted.rendition);
}

void Worker::greet(Subscriber& subscriber) {
  wire::Channel& channel = *subscriber.channel;
  channel.send(state());
  if (subscriber.role == "supervisor" && marks_.fd() >= 0) channel.send(wire::MarksFile{}, {marks_.fd()});
  if (subscriber.role == "supervisor")
    channel.send(wire::Status{"worker", static_cast<uint32_t>(::getpid()), status_json()});
  const bool told_health = subscriber.role == "origin" || subscriber.role == "control";
  if (subscriber.role != "gate" && !told_health) return;
  for (auto& [id, session] : sessions_) {
    const wire::SessionOpened& opened = session->opened();
    channel.send(opened);
    if (!told_health) continue;
    for (const auto& [rendition, history] : session->histories()) {
      if (subscriber.role != "origin") break;
      const std::string& name = rendition;
      history.replay([&](ByteVector batch) {
        channel.send(
            wire::StreamRecords{opened.session, opened.event, opened.station, std::move(batch), name});
      });
    }
    if (!session->health().json.empty()) channel.send(session->health());
  }
  if (subscriber.role == "origin")
    fills_.replay([&](const wire::StreamRecords& records) { channel.send(records); });
}

void Worker::begin(const wire::Handoff& handoff, UniqueFd connection) {
  auto pipeline = build(settings_, settings_.description);
  if (!pipeline)
    return admission_.refuse(
        handoff, std::move(connection),
        {ticket::kDown, "error:" + pipeline.error().message, "the pipeline cannot be built"});
  marks_.begin(pipeline->get(), handoff);
  auto session = Session::start(loop_, reaper_, inbox_, *std::move(pipeline), handoff, std::move(connection),
                                settings_.description.grace_ms());
  if (!session) {  // the connection went with it
    marks_.end(handoff.session);
    return admission_.refuse(handoff, UniqueFd(), {ticket::kDown, "error:" + session.error().message, ""});
  }
  ++opened_;
  const wire::SessionOpened& opened = (*session)->opened();
  log_info("session opened", {{"MESSAGE_ID", tools::message_id::kSessionOpened},
                              {"STATION", handoff.station},
                              {"SESSION", handoff.session},
                              {"PEER", handoff.peer},
                              {"PROTOCOL", handoff.protocol},
                              {"TICKET", handoff.ticket_id},
                              {"USER_AGENT", handoff.user_agent}});
  tell(opened, {"gate", "origin", "control"});
  running_[{handoff.event, handoff.station}] = handoff.session;
  claims_.emplace(handoff.session, Claims(handoff.max_kbps, handoff.codecs, settings_.claims));
  sessions_[handoff.session] = *std::move(session);
  tell_state();
}

void Worker::supersede(const Station& station) {
  if (Session* session = find(running_.at(station))) session->end("superseded");
}

void Worker::tell_refused(const wire::Handoff& handoff, const std::string& reason) {
  tell(wire::SessionClosed{handoff.session, handoff.event, handoff.station, reason}, {"gate"});
}

void Worker::kick(const wire::Kick& wanted) {
  if (Session* session = find(wanted.session)) return session->end(wanted.reason);
  admission_.kick(wanted.session, wanted.reason);
}

void Worker::ask_to_reconnect(const wire::AskReconnect& ask) {
  for (auto& [id, session] : sessions_)
    if (ask.session == 0 || ask.session == id) session->ask_to_reconnect(ask.url, ask.text);
}

void Worker::on_events(std::vector<BusEvent> events) {
  hold();
  std::map<BatchKey, wire::StreamRecords> batches;
  auto flush = [&](uint64_t id) {
    const auto first = batches.lower_bound({id, ""}), last = batches.lower_bound({id + 1, ""});
    for (auto batch = first; batch != last; ++batch)
      if (!batch->second.records.empty()) tell(batch->second, {"origin"});
    batches.erase(first, last);
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
      numbers_.health(event.session, health->counts);
      if (!health->regular) {
        flush(event.session);
        tell(session->health(), {"origin", "control"});
      }
    } else if (auto* closing = std::get_if<ClosingEvent>(&event.what)) {
      session->on_closing(*closing);
      numbers_.received(event.session, closing->received);
    } else if (std::holds_alternative<EosEvent>(event.what)) {
      session->on_eos();
    } else if (auto* failure = std::get_if<FailureEvent>(&event.what)) {
      log_warning("pipeline error: " + failure->text,
                  {{"STATION", opened.station}, {"SESSION", opened.session}});
      session->on_failure(failure->text);
    } else if (auto* stats = std::get_if<StatsEvent>(&event.what)) {
      numbers_.received(event.session, stats->received);
      session->health().received_bytes = stats->received.bytes;
      session->health().last_media_mono_us = stats->last_media_mono_us;
      hold_to_rate(*session);
    } else if (auto* archive = std::get_if<ArchiveEvent>(&event.what)) {
      on_archive(*session, *archive);
    } else if (auto* commits = std::get_if<CommitsEvent>(&event.what)) {
      numbers_.commits(commits->commits);
    } else if (auto* picture = std::get_if<PictureEvent>(&event.what)) {
      if (picture->jpeg.size() <= wire::kMaxPictureBytes)
        tell(wire::SessionPicture{opened.session, opened.event, opened.station, std::move(picture->jpeg)},
             {"origin"});
    } else if (std::holds_alternative<RungFailedEvent>(event.what)) {
      numbers_.rung_failed();
    } else if (auto* closed = std::get_if<ClosedEvent>(&event.what)) {
      flush(event.session);
      on_closed(event.session, closed->reason);
    } else if (auto* notice = std::get_if<NoticeEvent>(&event.what)) {
      log_notice(notice->text, {{"STATION", opened.station}, {"SESSION", opened.session}});
    }
  }
  while (!batches.empty()) flush(batches.begin()->first.first);
  release();
}

void Worker::on_records(Session& session, const RecordsEvent& event,
                        std::map<BatchKey, wire::StreamRecords>& batches) {
  const wire::SessionOpened& opened = session.opened();
  History* history = session.history(event.rendition);
  if (!history) return;
  ByteReader reader(event.records);
  while (reader.remaining() > 0) {
    uint32_t length = reader.u32();
    Bytes record = reader.bytes(length);
    if (!reader.ok()) return;
    history->add(record);
    if (event.rendition.empty()) {
      look_at_record(session, record);
    } else if (auto told = playlist::decode(record)) {
      numbers_.record(*told, true);
      if (const auto* rung = std::get_if<playlist::RenditionRecord>(&*told))
        rungs_.told(opened.session, event.rendition, *rung);
    }
    wire::StreamRecords& batch = batches[{opened.session, event.rendition}];
    if (batch.records.size() + 4 + length > wire::kMaxRecordsBytes) {
      // In its order: the source's before a rendition's.
      for (auto before = batches.lower_bound({opened.session, ""}); &before->second != &batch; ++before) {
        tell(before->second, {"origin"});
        before->second.records.clear();
      }
      tell(batch, {"origin"});
      batch.records.clear();
    }
    batch.rendition = event.rendition;
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
  if (archive.state == "lost") numbers_.lost(archive.code);
  // One run that cannot go on ends its session by itself (an error of the element). To a broken volume this
  // process will not write again (docs/archive.md); a fresh one may, or another node does.
  if (!archive.broken || fitness_.given_up()) return;
  give_up(std::string(wire::kNoStorageFront) + "the archive's disk fails");
  for (auto& [id, one] : sessions_)
    one->end(std::to_string(ticket::kNoStorage) + " NO-STORAGE: this server's disk fails. Connect again.");
}

// Of the source: which run it records, and whether its ticket allows it.
void Worker::look_at_record(Session& session, Bytes record) {
  auto decoded = playlist::decode(record);
  if (decoded) numbers_.record(*decoded, false);
  if (auto* run = decoded ? std::get_if<playlist::RunRecord>(&*decoded) : nullptr) session.note_run(run->run);
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
  admission_.count_error({opened.event, opened.station});
  session.end(reason);
}

void Worker::on_closed(uint64_t id, const std::string& reason) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  std::unique_ptr<Session> session = std::move(found->second);
  sessions_.erase(found);
  claims_.erase(id);
  marks_.end(id);
  rungs_.closed(id);
  numbers_.closed(id);
  const wire::SessionOpened& opened = session->opened();
  Station station{opened.event, opened.station};
  running_.erase(station);
  if (reason.rfind("error:", 0) == 0) {
    ++failed_;
    admission_.count_error(station);
  }
  log_info("session closed: " + reason, {{"MESSAGE_ID", tools::message_id::kSessionClosed},
                                         {"STATION", opened.station},
                                         {"SESSION", id},
                                         {"PEER", opened.peer},
                                         {"BYTES", session->received().bytes},
                                         {"VIDEO_FRAMES", session->received().video_frames},
                                         {"AUDIO_FRAMES", session->received().audio_frames}});
  tell(wire::SessionClosed{id, opened.event, opened.station, reason}, {"gate", "origin", "control"});
  fill(*session, reason);
  admission_.closed(station);
  tell_state();
  if (is_done()) loop_.stop();
}

// Told to stop, and all that was to be told of what ran has been.
bool Worker::is_done() const {
  return fitness_.stopping() && sessions_.empty() && fills_.active() == 0;
}

// Who was superseded has somebody behind him already. Who is put out is not to be seen for longer.
void Worker::fill(const Session& session, const std::string& reason) {
  const wire::SessionOpened& opened = session.opened();
  if (fitness_.stopping() || fitness_.given_up() || reason == "kick:superseded") return;
  if (reason == "unpublish" || reason.rfind("kick:", 0) == 0)
    return fills_.stop({opened.event, opened.station});
  const int64_t grace_ms = opened.grace_ms >= 0 ? opened.grace_ms : settings_.grace_ms;
  fills_.start(opened, session.run(), session.fill(), grace_ms);
}

void Worker::give_up(const std::string& reason) {
  if (!fitness_.give_up(reason)) return;
  give_up_timer_ = loop_.after_ms(settings_.give_up_ms, [this] { loop_.stop(); });
  admission_.refuse_waiting_unfit(reason);
  tell_state();
}

bool Worker::any_running() const {
  return std::any_of(sessions_.begin(), sessions_.end(), [](auto& one) { return !one.second->ending(); });
}

void Worker::tick() {
  fitness_.look_at_archive();
  if (reaper_.busy_ms() > settings_.stuck_ms) give_up("a session does not end");
  if (fitness_.given_up() &&
      fitness_.nothing_ends_any_more(sessions_.size(), any_running(), settings_.last_words_ms))
    return loop_.stop();
  if (retired_ && sessions_.empty() && admission_.waiting() == 0 && fills_.active() == 0 &&
      !fitness_.drained_within(settings_.on_its_way_ms))
    return loop_.stop();
  admission_.forget_old_errors();
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
  hold();
  for (auto& [id, session] : sessions_) {
    if (!session->health().json.empty()) tell(session->health(), {"origin"});
    wire::SessionHealth brief = session->health();  // for leases, and what control counts
    brief.json.clear();
    tell(brief, {"gate", "control"});
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
  if (now.reason != told_.reason && !now.reason.empty()) log_notice("takes no sessions: " + now.reason);
  told_ = now;
  tell(now, {"gate", "origin", "control", "supervisor"});
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
      .field("rungs", rungs_.running())
      .field("rungs_refused", rungs_.refused())
      .raw("counts", numbers_.json(runs_open()))
      .take();
}

uint64_t Worker::runs_open() const {
  return static_cast<uint64_t>(std::count_if(sessions_.begin(), sessions_.end(),
                                             [](auto& one) { return !one.second->run().empty(); }));
}

Session* Worker::find(uint64_t session) {
  auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second.get();
}

}  // namespace headgate::worker
