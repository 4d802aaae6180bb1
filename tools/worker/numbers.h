// SPDX-License-Identifier: LGPL-2.1-or-later
// What a worker has counted since it was started, over all of its sessions: for its status, once a second,
// and the metrics made of it (docs/metrics.md). Nothing here ever becomes less. In the loop's thread: what
// streaming threads count, their elements tell.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <base/histogram.h>
#include <playlist/record.h>
#include <store/run_writer.h>

#include "link_loss.h"

namespace headgate::worker {

// Of one session, as its healthprobe counts (docs/health.md): all of its streams together.
struct HealthCounts {
  uint64_t stalls = 0, lates = 0, jumps = 0, backward = 0;
  bool drifting = false;
  bool operator==(const HealthCounts&) const = default;
};

// What came on a session's connection, as its source counted it.
struct Received {
  uint64_t bytes = 0, video_frames = 0, audio_frames = 0, repairs = 0;
  bool operator==(const Received&) const = default;
};

class Numbers {
 public:
  // Of a session so far; never less than before.
  void received(uint64_t session, const Received& received);
  void health(uint64_t session, const HealthCounts& counts);
  void link(uint64_t session, const LinkCounts& counts);  // of SRT; likewise
  void closed(uint64_t session);
  // That a source's archive, or a derived rendition, has.
  void record(const playlist::Record& record, bool derived);
  // Media is not being recorded; `code`: errno.
  void lost(int code);
  // Of the archive's volume, as long as a session keeps it open; another one begins at nothing.
  void commits(const store::CommitStats& commits);
  void no_commits() { last_commits_.lag_us = 0; }  // nothing is being recorded
  void rung_failed() { ++rungs_failed_; }

  std::string json(uint64_t runs_open) const;

 private:
  struct Session {
    Received received;
    HealthCounts health;
    LinkCounts link;
  };
  struct Totals {
    Received received;
    LinkCounts link;
    uint64_t stalls = 0, lates = 0, jumps = 0, backward = 0;
    void add(const Session& session);
  };
  std::map<uint64_t, Session> sessions_;
  Totals closed_;  // of sessions that are over
  uint64_t drifts_ = 0;
  uint64_t bytes_ = 0, derived_bytes_ = 0, parts_ = 0, segments_ = 0, gaps_ = 0;
  uint64_t lost_full_ = 0, lost_io_ = 0, rungs_failed_ = 0;
  Histogram commits_before_;  // of volumes that were closed
  store::CommitStats last_commits_;
};

}  // namespace headgate::worker
