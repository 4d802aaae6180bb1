// SPDX-License-Identifier: LGPL-2.1-or-later
// From encoded units of one video and one audio track to runs of a store: waits until the tracks are known,
// packages, writes, starts a new run for each session and a new file for each change of a codec's
// configuration. Knows no GStreamer: EncodedInput feeds it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <base/clock.h>
#include <base/holder.h>
#include <base/result.h>
#include <codec/track.h>
#include <fmp4/packager.h>
#include <playlist/record.h>
#include <store/run_writer.h>

namespace headgate::gst {

struct RecorderSettings {
  store::VolumeSettings volume;
  store::RunSettings run;
  fmp4::PackagerSettings packager;
  store::RunInfo fallback;  // of a stream without a session
};

// An encoded access unit. Times are running time in ns and may be negative.
struct Unit {
  int64_t dts_ns = 0, pts_ns = 0;
  int64_t utc_us = 0;  // receipt
  bool key = false;
  Bytes data;
  Holder holder;
};

// What the element tells its bus.
struct Notice {
  enum class Kind {
    recording,  // a run was opened, or takes media again
    lost,       // media is not being written: text says why; told once until `recording`, and when it breaks
    failed,     // likewise, and nothing more of this session will be: no run can be opened or gone on with
    refused,    // a unit could not be written truthfully; told once a run
  };
  Kind kind = Kind::recording;
  int code = 0;  // errno of `lost` and `failed`
  std::string text;
  bool broken = false;  // the volume is (store::Volume::broken()), not only this run
};
using Output = std::variant<playlist::Record, Notice>;

struct RecorderStats {
  std::string run;  // present or last
  uint64_t parts = 0, segments = 0, bytes = 0, frames = 0, dropped_frames = 0;
  bool recording = false;
};

// Longest wait for a track that has not come, in media time and by the clock; and how many bytes are held
// meanwhile.
inline constexpr int64_t kTrackWaitUs = 2'000'000;
inline constexpr size_t kMaxQueuedBytes = 16 << 20;
inline constexpr int64_t kMaxOpenUs = 10'000'000;  // longest wait for a run, by the clock
// How long a streaming thread waits for a run to be opened, where the source is not live. In a live one only
// where a session ends or the queues are full; otherwise what it sends is queued meanwhile.
inline constexpr int64_t kOpenWaitMs = 2000;
inline constexpr int64_t kLiveOpenWaitMs = 50;
// One track further ahead of another than this can be made to wait where the source is not live.
inline constexpr int64_t kMaxAheadNs = 500'000'000;
// Missing media of all tracks that is recorded as a gap.
inline constexpr int64_t kGapNs = 2'000'000'000;

// Not thread-safe. `emit` is called from within the calls that cause output.
class Recorder {
 public:
  using Emit = std::function<void(Output)>;
  static Result<std::unique_ptr<Recorder>> open(RecorderSettings settings, Emit emit,
                                                const Clock& clock = system_clock());
  // Ends an open run with reason "stopped". One that is being opened is waited for, written and ended, with
  // its session's reason if that is over: not for a streaming thread.
  ~Recorder();

  struct Track;
  Track* add_track(codec::Kind kind);  // lives until remove_track()
  void remove_track(Track* track);

  // What follows on this track belongs to the session `id`; the same id on another track is the same session.
  void session(Track* track, uint32_t id, store::RunInfo info);
  // This track's session is over; when all are, the run ends with this reason.
  void session_end(Track* track, const std::string& reason);
  void configure(Track* track, codec::Track config);
  void push(Track* track, Unit unit);
  void advance(Track* track, int64_t position_ns);  // a GAP event: nothing comes before this
  void eos(Track* track);
  // A flush: drops what this track has queued; what was packaged is written, and a new run follows.
  void flush(Track* track);
  void set_active(Track* track, bool active);  // false: not waited for (not linked)

  // Its streaming thread must not be held up.
  void set_live() { live_ = true; }
  // Nothing of the present session is recorded any more (Notice::failed was told). Until the next one, or a
  // flush.
  bool failed() const { return failed_; }

  bool all_eos() const;
  // The other tracks are so far behind that this one should wait for them.
  bool ahead(const Track* track) const;
  // Waiting was in vain: the tracks behind are not waited for until they move.
  void give_up_waiting(const Track* track);
  const RecorderStats& stats() const { return stats_; }

 private:
  Recorder(RecorderSettings settings, std::shared_ptr<store::Volume> volume, Emit emit, const Clock& clock);
  struct Left {
    std::unique_ptr<store::RunOpening> opening;
    std::string reason;
  };
  struct Session {
    uint32_t id = 0;
    store::RunInfo info;
  };
  void promise(store::RunInfo& info) const;
  void progress(bool force);
  bool tracks_known(bool force) const;
  bool waited_enough() const;
  bool queues_full() const;
  bool waited_for_run() const;
  bool everyone_in_session(uint32_t id) const;
  bool comes_later(const Track& track) const;
  Track* next_track();
  void feed(Track& track, Unit unit);
  bool waits_for_key(const Track& track) const;
  bool open_run(bool force);
  void end_left(bool wait);
  void begin_presentation();
  void fail(const Error& error);
  void note_gap(const Unit& unit);
  void write_parts();
  void end_run(const std::string& reason);
  void end_packager();
  void drop_queues();
  void tell_lost(const Error& error);
  int64_t stream_ticks(int64_t ns, uint32_t timescale) const;

  RecorderSettings settings_;
  std::shared_ptr<store::Volume> volume_;
  Emit emit_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Track>> tracks_;

  Session session_;              // of the run that is open or will be
  std::optional<Session> next_;  // announced by a track, waits for the others
  std::string end_reason_;       // told by the source; empty: not told

  std::unique_ptr<store::RunOpening> opening_;  // of session_, while it lasts; the queues wait for it
  std::vector<Left> left_;  // of sessions that another one has superseded: nobody waits for them here
  std::unique_ptr<store::RunWriter> writer_;  // none: collecting, or no run can be opened
  std::optional<fmp4::Packager> packager_;    // none: tracks are not known yet
  fmp4::Presentation presentation_;           // of packager_
  uint32_t next_sequence_ = 1;                // mfhd, goes on over packagers of a run
  int64_t shift_ns_ = 0;                      // added to running time: the run begins at 0
  std::optional<int64_t> end_ns_;             // end of the latest unit of all tracks in this run
  int64_t waiting_since_us_ = 0;              // CLOCK_BOOTTIME when the first unit was queued; 0: none
  int64_t opening_since_us_ = 0;              // CLOCK_BOOTTIME of the first attempt at a run; 0: none
  int64_t retry_at_us_ = 0;                   // next attempt to open a run whose station was busy
  Error busy_;                                // why the latest one failed
  bool live_ = false;
  bool failed_ = false;        // no run for this session
  bool lost_ = false;          // told that media is not being written
  bool broken_ = false;        // told that the volume is broken
  bool refusal_told_ = false;  // in this run
  RecorderStats stats_;
};

}  // namespace headgate::gst
