// SPDX-License-Identifier: LGPL-2.1-or-later
// The archive's writer (docs/archive.md): a Volume is one file system under one archive root with its
// one-second group commit; a RunWriter is one session's run directory: media files, hash chain, frame index.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/clock.h>
#include <base/histogram.h>
#include <base/result.h>
#include <fmp4/packager.h>
#include <playlist/record.h>

namespace headgate::store {

struct VolumeSettings {
  std::string root;          // holds lta/<event>/…
  std::string node = "n01";  // [a-z0-9-]{1,32}
  int64_t commit_ms = 1000;
  uint64_t reserve_bytes = 64ull << 20;    // preallocated, freed for chains when the volume is full
  uint64_t min_free_bytes = 256ull << 20;  // under it no new run is opened
  bool durable = true;                     // false: no chain, no fsync (derived renditions with a retention)
  int64_t keep_ms = 0;  // media is removed so long after it was last written to; 0: never. Not if durable
  std::string
      record_prefix;  // before the names of files in records: "", or the root below another one, with /
};

enum class Space {
  good,
  low,   // no new runs
  full,  // nothing at all, the reserve is in use
};

struct VolumeState {
  Space space = Space::full;
  uint64_t free_bytes = 0;
  std::string problem;  // why RunWriter::open() would fail now, a sentence for a person; empty: it would not
};

struct CommitStats {
  Histogram durations;  // of commits that had something to make durable, since the volume was opened
  // Since the beginning of the last commit that went well: what was written before that is durable, and a
  // disk that hangs makes it grow. 0: no run is open.
  int64_t lag_us = 0;
};

// Thread-safe. One per root and process: open() returns the one that exists (EINVAL when its settings
// differ). The last reference should go before the process ends: it commits what is left and waits for it.
class Volume : public std::enable_shared_from_this<Volume> {
 public:
  static Result<std::shared_ptr<Volume>> open(const VolumeSettings& settings,
                                              const Clock& clock = system_clock());
  // The volume as any process finds it, without opening it: room for bytes and for files, whether it can be
  // written, with `event` that event's VOLUME.json. Changes nothing; costs some system calls. A volume that
  // is poisoned in some process (EIO, docs/archive.md) looks well from outside: that process's RunWriters say
  // so.
  static VolumeState inspect(const VolumeSettings& settings, std::optional<uint32_t> event = std::nullopt);
  virtual ~Volume() = default;
  virtual Space space() const = 0;
  // A write or sync has failed: this process writes nothing here any more (EIO, docs/archive.md). Never false
  // again.
  virtual bool broken() const = 0;
  // Does not wait for a commit that is on its way.
  virtual CommitStats commits() const = 0;
  // Commits now and returns when everything written before the call is durable, or the volume is known to be
  // broken (tests, shutdown).
  virtual void commit() = 0;

 private:
  friend class VolumeImpl;
  Volume() = default;
};

// Where a run stands that does not go on where its station's last one ended, but follows another one.
struct RunPosition {
  uint64_t msn = 0, dseq = 0;  // of its first segment
  int64_t base = 0;            // RunWriter::timeline_offset()
  std::string of;              // name of the run that it follows
};

// Who sends and how; goes into the `open` record.
struct RunInfo {
  uint32_t event = 0, station = 0;
  std::string ticket_id;  // hex; empty: not ticketed
  std::string ticket;     // W, base64url
  std::string peer;       // ip:port
  std::string protocol;   // rtmp, srt, …
  std::string user_agent;
  std::string claim = "first";  // first, resume, takeover, contested, unverified
  // What who packages promises (playlist::RunRecord, fmp4::longest_segment_ms, longest_part_ms); 0: nothing.
  uint32_t max_segment_ms = 0, max_part_ms = 0;
  // What comes may have been there for so long before its time of receipt is taken; 0: not known.
  uint32_t receipt_us = 0;
  std::optional<RunPosition> position;  // of a derived run: nobody looks at the runs before it
};

// What was done to times that a sender gave (record `repair`).
struct ClockRepair {
  std::string track;                    // video, audio
  std::string kind;                     // backward, forward
  uint32_t count = 1;                   // so many, of which the rest is about the first
  int64_t before_ms = 0, after_ms = 0;  // the sender's clock
  int64_t pts = 0;                      // of the frame: kPartTimescale, on the stream's timeline
};

struct RunSettings {
  int64_t file_ms = 300'000;  // rotation, staggered by station
  bool frame_index = true;    // .fhx and `fh`
  int64_t busy_ms = 0;        // an opening tries for so long while the station is busy (EBUSY)
};

class RunOpening;

// Changes of the codec configuration in one run: each is a new file.
inline constexpr uint32_t kMaxPresentations = 1000;

// Not thread-safe: one streaming thread. Calls never wait for the disk beyond the page cache. Records for
// listeners are handed to `on_record` from within the call that causes them.
class RunWriter {
 public:
  using OnRecord = std::function<void(const playlist::Record&)>;
  // Called once, on the volume's thread, when take() will not wait any more; perhaps when the opening is
  // gone, perhaps then not at all. Must neither wait nor let go of a volume.
  using OnOpened = std::function<void()>;
  // Begins to open a run, which takes a look at the station's last ones, on a thread of the volume: the new
  // run continues their timeline, media sequence and discontinuity sequence. Those whose writer died are
  // recovered, on another thread, beside the new run. Errors by code:
  //   ENOSPC  the volume is full or nearly so: refuse the publisher, try another node
  //   EIO     the volume is broken: no run is opened on it by this process any more
  //   EBUSY   the station's last run is still being written, by this process (end it first) or by another one
  //           (it is over when that process has ended it and committed, at most a second later), also after
  //           RunSettings::busy_ms
  static std::unique_ptr<RunOpening> open(std::shared_ptr<Volume> volume, const RunInfo& info,
                                          const RunSettings& settings, OnOpened on_opened = nullptr);
  virtual ~RunWriter() = default;  // ends an open run: "abandoned", on_record is called

  // kPartTimescale ticks to add to the session's running time: the stream's timeline goes on across runs by
  // wall clock.
  virtual int64_t timeline_offset() const = 0;
  virtual const std::string& name() const = 0;
  // Media before this is on disk, and so is its record; in kPartTimescale. kNothingDurable before the first
  // commit.
  static constexpr int64_t kNothingDurable = INT64_MIN;
  virtual int64_t durable_pts() const = 0;

  // Parts that follow belong to this presentation: a new file if it differs from the present one. E2BIG: it
  // is the run's kMaxPresentations + 1st. After any error nothing can be written until another begin().
  virtual Result<void> begin(const fmp4::Presentation& presentation) = 0;
  // One pwritev: the part behind a box that says what it is (docs/archive.md, part box), so that PartRecord
  // and SegmentRecord begin a few bytes before the first moof. EINVAL before begin(), EMSGSIZE over 256 MiB;
  // the run goes on. On a full disk or an I/O error the run goes into a gap by itself (reason disk_full or
  // io) and takes parts again from the first segment start after the disk does; write() then returns an error
  // with code ENOSPC or EIO each time, and nothing else is needed from the caller.
  virtual Result<void> write(const fmp4::Part& part) = 0;
  // Of a run with a RunPosition: the next part starts a segment with these numbers. (Else they are counted.)
  virtual void place(uint64_t msn, uint64_t dseq) = 0;
  // Media missing: ends the open segment. PTS in kPartTimescale on the stream's timeline.
  virtual void gap(const std::string& reason, int64_t from_pts, int64_t to_pts) = 0;
  // For the record only. Whoever calls bounds how often.
  virtual void repair(const ClockRepair& repair) = 0;
  virtual void end(const std::string& reason) = 0;
};

// A run on its way; of the same thread as its writer. Openings are done one after the other: at any time
// there is at most one of each station, or the others fail with EBUSY.
class RunOpening {
 public:
  // Does not wait, unless it lets go of the volume. A run that was not taken is not opened any more, or ends
  // as an abandoned one: on the volume's thread, before another of its station is opened.
  virtual ~RunOpening() = default;
  // Waits at most `ms`. True: take() will not wait.
  virtual bool wait_ms(int64_t ms) = 0;
  // Waits; once. `on_record` is called from here on.
  virtual Result<std::unique_ptr<RunWriter>> take(RunWriter::OnRecord on_record) = 0;
};

}  // namespace headgate::store
