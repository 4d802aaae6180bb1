// SPDX-License-Identifier: LGPL-2.1-or-later
// What the pipelines tell, and what is done about it.
#include <base/clock.h>
#include <common/log.h>
#include <playlist/record.h>
#include <playlist/rendition.h>
#include <ticket/ticket.h>

#include <utility>

#include "worker.h"

namespace headgate::worker {

using tools::log_notice;
using tools::log_warning;

void Worker::on_events(std::vector<BusEvent> events) {
  audience_.hold();
  tools::RecordBatches batches(
      [this](const wire::StreamRecords& records) { audience_.tell(records, {"origin"}); });
  for (BusEvent& event : events) {
    Session* session = find(event.session);
    if (!session) continue;
    const wire::SessionOpened& opened = session->opened();
    if (auto* records = std::get_if<RecordsEvent>(&event.what)) {
      on_records(*session, *records, batches);
    } else if (auto* health = std::get_if<HealthEvent>(&event.what)) {
      numbers_.health(event.session, health->counts);
      const bool regular = health->regular;
      session->on_health(std::move(*health));
      if (!regular) {
        batches.flush(event.session);
        audience_.tell(session->health(), {"origin", "control"});
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
      if (stats->link) numbers_.link(event.session, *stats->link);
      session->on_stats(*stats);
      hold_to_rate(*session);
    } else if (auto* archive = std::get_if<ArchiveEvent>(&event.what)) {
      on_archive(*session, *archive);
    } else if (auto* commits = std::get_if<CommitsEvent>(&event.what)) {
      numbers_.commits(commits->commits);
    } else if (auto* picture = std::get_if<PictureEvent>(&event.what)) {
      if (picture->jpeg.size() <= wire::kMaxPictureBytes)
        audience_.tell(
            wire::SessionPicture{opened.session, opened.event, opened.station, std::move(picture->jpeg)},
            {"origin"});
    } else if (auto* ladder = std::get_if<LadderEvent>(&event.what)) {
      on_ladder(*session, ladder->news, batches);
    } else if (auto* closed = std::get_if<ClosedEvent>(&event.what)) {
      batches.flush(event.session);
      on_closed(event.session, closed->reason);
    } else if (auto* notice = std::get_if<NoticeEvent>(&event.what)) {
      log_notice(notice->text, {{"STATION", opened.station}, {"SESSION", opened.session}});
    }
  }
  batches.flush_all();
  audience_.release();
}

void Worker::on_records(Session& session, const RecordsEvent& event, tools::RecordBatches& batches) {
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
        note_rung(session, event.rendition, *rung);
    }
    batches.add(opened, event.rendition, record);
  }
}

void Worker::note_rung(Session& session, const std::string& rendition,
                       const playlist::RenditionRecord& record) {
  rungs_.told(session.opened().session, rendition, record);
  session.ladder().told(rendition, record);
}

void Worker::on_ladder(Session& session, const tools::LadderNews& news, tools::RecordBatches& batches) {
  if (news.state == "failed") numbers_.rung_failed();
  if (!session.on_ladder(news)) return;
  batches.flush(session.opened().session);
  audience_.tell(session.health(), {"origin", "control"});
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

}  // namespace headgate::worker
