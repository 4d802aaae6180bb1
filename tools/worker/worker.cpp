// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker.h"

#include <base/clock.h>
#include <common/log.h>
#include <playlist/rendition.h>
#include <ticket/ticket.h>

#include <algorithm>
#include <utility>

namespace headgate::worker {

using tools::log_info;

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
      audience_(loop,
                [this](wire::Audience::Member& from, wire::Message message, std::vector<UniqueFd> fds) {
                  on_message(from, std::move(message), std::move(fds));
                }),
      fills_(
          loop, settings_.root, settings_.node,
          [this](const wire::StreamRecords& records) { audience_.tell(records, {"origin"}); },
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
  const std::string path = settings_.runtime_dir + "/worker-" + std::to_string(settings_.id) + ".sock";
  if (auto listening = audience_.listen(path); !listening) return listening;
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

void Worker::on_message(wire::Audience::Member& from, wire::Message message, std::vector<UniqueFd> fds) {
  if (std::holds_alternative<wire::Hello>(message)) {
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
  audience_.tell(opened, {"gate", "origin", "control"});
  running_[{handoff.event, handoff.station}] = handoff.session;
  claims_.emplace(handoff.session, Claims(handoff.max_kbps, handoff.codecs, settings_.claims));
  sessions_[handoff.session] = *std::move(session);
  tell_state();
}

void Worker::supersede(const Station& station) {
  if (Session* session = find(running_.at(station))) session->end("superseded");
}

void Worker::tell_refused(const wire::Handoff& handoff, const std::string& reason) {
  audience_.tell(wire::SessionClosed{handoff.session, handoff.event, handoff.station, reason},
                 {"gate", "control"});
}

void Worker::kick(const wire::Kick& wanted) {
  if (Session* session = find(wanted.session)) return session->end(wanted.reason);
  admission_.kick(wanted.session, wanted.reason);
}

void Worker::ask_to_reconnect(const wire::AskReconnect& ask) {
  for (auto& [id, session] : sessions_)
    if (ask.session == 0 || ask.session == id) session->ask_to_reconnect(ask.url, ask.text);
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
  audience_.tell(wire::SessionClosed{id, opened.event, opened.station, reason},
                 {"gate", "origin", "control"});
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
  tell_status();
}

Session* Worker::find(uint64_t session) {
  auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second.get();
}

}  // namespace headgate::worker
