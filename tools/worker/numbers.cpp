// SPDX-License-Identifier: LGPL-2.1-or-later
#include "numbers.h"

#include <base/json_line.h>

#include <algorithm>
#include <cerrno>

namespace headgate::worker {
namespace {

void grow(uint64_t& value, uint64_t to) {
  value = std::max(value, to);
}

}  // namespace

void Numbers::Totals::add(const Session& session) {
  received.bytes += session.received.bytes;
  received.video_frames += session.received.video_frames;
  received.audio_frames += session.received.audio_frames;
  received.repairs += session.received.repairs;
  link.received += session.link.received;
  link.retransmitted += session.link.retransmitted;
  link.lost += session.link.lost;
  link.dropped += session.link.dropped;
  stalls += session.health.stalls;
  lates += session.health.lates;
  jumps += session.health.jumps;
  backward += session.health.backward;
}

// A look at a source that was on its way when the source told its last word says less.
void Numbers::received(uint64_t session, const Received& received) {
  Received& last = sessions_[session].received;
  grow(last.bytes, received.bytes);
  grow(last.video_frames, received.video_frames);
  grow(last.audio_frames, received.audio_frames);
  grow(last.repairs, received.repairs);
}

void Numbers::health(uint64_t session, const HealthCounts& counts) {
  HealthCounts& last = sessions_[session].health;
  if (counts.drifting && !last.drifting) ++drifts_;
  last.drifting = counts.drifting;
  grow(last.stalls, counts.stalls);
  grow(last.lates, counts.lates);
  grow(last.jumps, counts.jumps);
  grow(last.backward, counts.backward);
}

void Numbers::link(uint64_t session, const LinkCounts& counts) {
  LinkCounts& last = sessions_[session].link;
  grow(last.received, counts.received);
  grow(last.retransmitted, counts.retransmitted);
  grow(last.lost, counts.lost);
  grow(last.dropped, counts.dropped);
}

void Numbers::closed(uint64_t session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  closed_.add(found->second);
  sessions_.erase(found);
}

void Numbers::record(const playlist::Record& record, bool derived) {
  if (const auto* part = std::get_if<playlist::PartRecord>(&record)) {
    (derived ? derived_bytes_ : bytes_) += part->length;
    if (!derived) ++parts_;
  }
  if (derived) return;
  if (std::holds_alternative<playlist::SegmentRecord>(record)) ++segments_;
  if (std::holds_alternative<playlist::GapRecord>(record)) ++gaps_;
}

void Numbers::lost(int code) {
  ++(code == ENOSPC ? lost_full_ : lost_io_);
}

void Numbers::commits(const store::CommitStats& commits) {
  if (commits.durations.count() < last_commits_.durations.count())
    commits_before_.add(last_commits_.durations);
  last_commits_ = commits;
}

std::string Numbers::json(uint64_t runs_open) const {
  Totals all = closed_;
  for (const auto& [id, session] : sessions_) all.add(session);
  Histogram durations = commits_before_;
  durations.add(last_commits_.durations);
  JsonLine archive;
  archive.field("runs", runs_open)
      .field("bytes", bytes_)
      .field("derived_bytes", derived_bytes_)
      .field("parts", parts_)
      .field("segments", segments_)
      .field("lost_full", lost_full_)
      .field("lost_io", lost_io_)
      .raw("commits", histogram_json(durations))
      .field("commit_lag_us", last_commits_.lag_us);
  JsonLine srt;
  srt.field("received_packets", all.link.received)
      .field("retransmitted_packets", all.link.retransmitted)
      .field("lost_packets", all.link.lost)
      .field("dropped_packets", all.link.dropped);
  return JsonLine()
      .field("received_bytes", all.received.bytes)
      .field("video_frames", all.received.video_frames)
      .field("audio_frames", all.received.audio_frames)
      .field("repairs", all.received.repairs)
      .field("stalls", all.stalls)
      .field("lates", all.lates)
      .field("jumps", all.jumps)
      .field("backward", all.backward)
      .field("drifts", drifts_)
      .field("gaps", gaps_)
      .field("rungs_failed", rungs_failed_)
      .raw("srt", srt.take())
      .raw("archive", archive.take())
      .take();
}

}  // namespace headgate::worker
