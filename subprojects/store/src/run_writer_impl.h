// SPDX-License-Identifier: LGPL-2.1-or-later
// The writer behind store/run_writer.h: all of it on the streaming thread; what waits for the disk is
// RunLog's and the volume's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <store/run_writer.h>

#include "chain.h"
#include "media_file.h"
#include "part_box.h"
#include "record_maker.h"
#include "run_log.h"
#include "volume.h"

namespace headgate::store {

// Media times that differ by more than this from where the segment before ended are a jump to players.
inline constexpr int64_t kJumpTicks = fmp4::kPartTimescale / 2;

// What open() has made by the time the writer exists.
struct Opened {
  OpenLine line;
  std::string directory, prefix;  // prefix: relative to the root
  std::string volume;             // uuid
  std::shared_ptr<RunLog> log;
  bool previous_crashed = false;
};

class RunWriterImpl final : public RunWriter {
 public:
  RunWriterImpl(std::shared_ptr<VolumeImpl> volume, Opened opened, const RunSettings& settings,
                OnRecord on_record);
  ~RunWriterImpl() override;

  int64_t timeline_offset() const override { return open_.base; }
  const std::string& name() const override { return open_.run; }
  int64_t durable_pts() const override { return log_->durable_pts(); }
  Result<void> begin(const fmp4::Presentation& presentation) override;
  Result<void> write(const fmp4::Part& part) override;
  void place(uint64_t msn, uint64_t dseq) override;
  void gap(const std::string& reason, int64_t from_pts, int64_t to_pts) override;
  void repair(const ClockRepair& repair) override;
  void end(const std::string& reason) override;

 private:
  template <typename Fill>
  void add(LogEntry entry, Fill fill) {
    entry.members = members_of(fill);
    log_->add(std::move(entry));
  }
  void tell(playlist::Record record) {
    if (on_record_) on_record_(record);
  }
  PartBox describe(const fmp4::Part& part, bool starts);
  void accept(const fmp4::Part& part, PartBox box);
  void finish_segment();
  Result<void> open_file(int64_t pts);
  void finish_file();
  int64_t rotation_slot(int64_t pts) const;
  void watch_clock();
  void record_gap(const GapLine& line);
  void fail(int code, int disk_errno);
  Unexpected failed(const Error& error, const fmp4::Part& part);
  bool may_resume(const fmp4::Part& part);
  Unexpected refuse(const fmp4::Part& part);
  Continuation continuation() const;

  const std::shared_ptr<VolumeImpl> volume_;
  const RunSettings settings_;
  const OnRecord on_record_;
  const OpenLine open_;
  const std::string directory_, volume_uuid_;
  const std::shared_ptr<RunLog> log_;
  RecordMaker maker_;

  std::optional<fmp4::Presentation> presentation_;
  uint32_t presentations_ = 0;  // so far
  ByteVector init_;             // of presentation_
  std::optional<MediaFile> file_;
  uint32_t next_file_ = 0;
  int64_t file_slot_ = 0;     // rotation_slot() of the file's first part
  FragLine segment_;          // the open one; no parts: none is open
  std::string segment_init_;  // init id of the latest segment
  ByteVector box_bytes_;      // scratch

  uint64_t next_msn_;             // of the open segment, or the next one
  uint64_t dseq_;                 // of the latest segment
  bool placed_ = false;           // whoever writes says both
  bool any_media_;                // of the stream, ever
  int64_t end_pts_, end_utc_us_;  // of its latest media
  RunTotals totals_;
  int64_t clock_offset_us_ = 0;         // realtime minus monotonic when last looked
  int64_t time_told_us_ = 0;            // CLOCK_BOOTTIME of the last `time`, or of `open`
  std::optional<GapLine> pending_gap_;  // media is missing until the next part that can be written
  int failed_ = 0;                      // ENOSPC, EIO: the disk refuses; 0: all is well
  bool ended_ = false;
};

}  // namespace headgate::store
