// SPDX-License-Identifier: LGPL-2.1-or-later
// From encoded units of one video and one audio track to runs of a store: waits until the tracks are known,
// packages, writes, starts a new run for each session and a new file for each change of a codec's
// configuration. Waits for no disk: while a run is being opened whatever comes waits in line, ends and next
// sessions included. Knows no GStreamer: EncodedInput feeds it.
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
#include <store/stream_time.h>

namespace headgate::gst {

struct RecorderSettings {
  store::VolumeSettings volume;
  store::RunSettings run;
  fmp4::PackagerSettings packager;
  store::RunInfo fallback;  // of a stream without a session
  // Longest wait for a run, by the clock; what comes meanwhile is kept up to kMaxQueuedBytes. A station that
  // is busy for nearly so long is said to be, before the disk is said not to answer.
  int64_t open_us = 10'000'000;
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
// A StreamTime comes between a run's RunRecord and its first part.
using Output = std::variant<playlist::Record, Notice, store::StreamTime>;

struct RecorderStats {
  std::string run;  // present or last
  uint64_t parts = 0, segments = 0, bytes = 0, frames = 0, dropped_frames = 0;
  bool recording = false;
  store::CommitStats commits{};  // of the volume, which all recorders of the process share
};

// Longest wait for a track that has not come, in media time and by the clock; and how many bytes are held
// meanwhile.
inline constexpr int64_t kTrackWaitUs = 2'000'000;
inline constexpr size_t kMaxQueuedBytes = 16 << 20;
// One track further ahead of another than this can be made to wait where the source is not live.
inline constexpr int64_t kMaxAheadNs = 500'000'000;
// Repairs of times before a run's first unit that are kept for its record.
inline constexpr size_t kMaxEarlyRepairs = 64;
// Missing media of all tracks that is recorded as a gap.
inline constexpr int64_t kGapNs = 2'000'000'000;

// Not thread-safe. `emit` is called from within the calls that cause output. `on_opened` is called on another
// thread, perhaps after this is gone: look() has something to do (store::RunWriter::OnOpened).
class Recorder {
 public:
  using Emit = std::function<void(Output)>;
  static Result<std::unique_ptr<Recorder>> open(RecorderSettings settings, Emit emit,
                                                std::function<void()> on_opened,
                                                const Clock& clock = system_clock());
  ~Recorder();  // stop()
  // Ends an open run with reason "stopped". One that is being opened is waited for, open_us at most, and what
  // waits for it is written: not for a streaming thread. Who lets go of the volume last waits for its disk,
  // with no limit.
  void stop();

  struct Track;
  Track* add_track(codec::Kind kind);  // lives until remove_track()
  void remove_track(Track* track);

  // What follows on this track belongs to the session `id`; the same id on another track is the same session.
  void session(Track* track, uint32_t id, store::RunInfo info);
  // This track's session is over; when all are, the run ends with this reason.
  void session_end(Track* track, const std::string& reason);
  void configure(Track* track, codec::Track config);
  // For the record: the sender's times from here on were changed. Its `pts` is set here.
  void repaired(Track* track, store::ClockRepair repair);
  void push(Track* track, Unit unit);
  void advance(Track* track, int64_t position_ns);  // a GAP event: nothing comes before this
  // The source sends nothing, on no track: what there is for a part is told now (fmp4::Packager::settle()).
  void silent();
  void eos(Track* track);
  // A flush: drops what this track has queued; what was packaged is written, and a new run follows.
  void flush(Track* track);
  void set_active(Track* track, bool active);  // false: not waited for (not linked)

  // Goes on when a run was opened, or gives it up: every call does; somebody has to when on_opened was called
  // and when open_left_us() are over.
  void look();
  // What comes waits in line.
  bool opening() const { return opening_ != nullptr; }
  // How long an opening that lasts may last yet.
  int64_t open_left_us() const;
  // Nothing of the present session is recorded any more (Notice::failed was told). Until the next one, or a
  // flush.
  bool failed() const { return failed_; }

  // And all that came before was written.
  bool all_eos() const;
  // The other tracks are so far behind that this one should wait for them.
  bool ahead(const Track* track) const;
  // Waiting was in vain: the tracks behind are not waited for until they move.
  void give_up_waiting(const Track* track);
  const RecorderStats& stats() const { return stats_; }  // without `commits`
  store::CommitStats commits() const { return volume_->commits(); }

 private:
  Recorder(RecorderSettings settings, std::shared_ptr<store::Volume> volume, Emit emit,
           std::function<void()> on_opened, const Clock& clock);
  struct Session {
    uint32_t id = 0;
    store::RunInfo info;
  };
  struct SessionEnd {
    std::string reason;
  };
  struct Advance {
    int64_t position_ns = 0;
  };
  struct Active {
    bool active = false;
  };
  struct Eos {};
  struct Flush {};
  struct Remove {};
  struct Stop {};
  struct Call {
    Track* track = nullptr;
    std::variant<Unit, codec::Track, store::ClockRepair, Session, SessionEnd, Advance, Active, Eos, Flush,
                 Remove, Stop>
        what;
    size_t bytes() const;  // that it holds while it waits
  };
  // Does what was called now, or when the run is there that is being opened.
  template <typename What>
  void take(Track* track, What what);
  void keep(Call call);
  void replay();
  // Each does what was called. False: a run is being opened now that has to be there first; once more then.
  bool apply(Track* track, Unit& unit);
  bool apply(Track* track, codec::Track& config);
  bool apply(Track* track, Session& session);
  bool apply(Track* track, SessionEnd& end);
  bool apply(Track* track, store::ClockRepair& repair);
  bool apply(Track* track, Advance& advance);
  bool apply(Track* track, Active& active);
  bool apply(Track* track, Eos& eos);
  bool apply(Track* track, Flush& flush);
  bool apply(Track* track, Remove& remove);
  bool apply(Track* track, Stop& stop);
  void promise(store::RunInfo& info) const;
  void progress(bool force);
  bool tracks_known(bool force) const;
  bool waited_enough() const;
  bool waited_for_run() const;
  bool everyone_in_session(uint32_t id) const;
  bool comes_later(const Track& track) const;
  Track* next_track();
  void feed(Track& track, Unit unit);
  bool waits_for_key(const Track& track) const;
  void open_run();
  void take_run();
  void begin_timeline();
  void begin_presentation();
  void fail(const Error& error);
  void note_gap(const Unit& unit);
  void note_repairs();
  void settle();
  void write_parts();
  void end_run(const std::string& reason);
  void end_packager();
  void drop_queues();
  void drop_queue(Track& track);
  void tell_lost(const Error& error);
  int64_t stream_ticks(int64_t ns, uint32_t timescale) const;

  RecorderSettings settings_;
  std::shared_ptr<store::Volume> volume_;
  Emit emit_;
  std::function<void()> on_opened_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Track>> tracks_;

  Session session_;                               // of the run that is open or will be
  std::optional<Session> next_;                   // announced by a track, waits for the others
  std::string end_reason_;                        // told by the source; empty: not told
  std::vector<store::ClockRepair> next_repairs_;  // as repairs_, of next_

  std::unique_ptr<store::RunOpening> opening_;  // of session_, while it lasts; the queues wait for it
  int64_t opening_since_us_ = 0;                // CLOCK_BOOTTIME
  std::deque<Call> later_;                      // what came while opening_
  size_t later_bytes_ = 0;                      // that it holds
  std::unique_ptr<store::RunWriter> writer_;    // none: collecting, or no run can be opened
  std::optional<fmp4::Packager> packager_;      // none: tracks are not known yet
  fmp4::Presentation presentation_;             // of packager_
  uint32_t next_sequence_ = 1;                  // mfhd, goes on over packagers of a run
  std::optional<store::StreamTime> time_;       // of the run; none: not begun
  std::vector<store::ClockRepair> repairs_;     // `pts` in ns: told before there was a run
  std::optional<int64_t> end_ns_;               // end of the latest unit of all tracks in this run
  int64_t waiting_since_us_ = 0;                // CLOCK_BOOTTIME when the first unit was queued; 0: none
  bool failed_ = false;                         // no run for this session
  bool lost_ = false;                           // told that media is not being written
  bool broken_ = false;                         // told that the volume is broken
  bool refusal_told_ = false;                   // in this run
  RecorderStats stats_;
};

}  // namespace headgate::gst
