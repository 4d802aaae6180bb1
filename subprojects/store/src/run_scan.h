// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a run's records again, line by line, and from the media where lines are missing or damaged.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <base/result.h>
#include <base/unique_fd.h>
#include <fmp4/reader.h>

#include "record_maker.h"
#include "records.h"

namespace headgate::store {

// A media file under either of its names.
Result<UniqueFd> open_media(const std::string& directory, uint32_t file);

class RunScan {
 public:
  using OnRecord = std::function<void(playlist::Record)>;
  // `on_record` may be empty when only where the stream stands is wanted.
  RunScan(std::string directory, std::string prefix, OnRecord on_record);

  void line(std::string_view text);
  // Instead of the lines before that of `first`: the run as if it began with this segment, whose own line
  // comes next.
  void resume(OpenLine open, const FragLine& first);
  // After the last line of a run without `end`: what its files hold beyond. `live`: the last segment may
  // still grow and is not finished here.
  void tail(bool live);

  bool opened() const { return opened_; }
  bool ended() const { return ended_; }
  // Of the run as read so far: where its successor goes on.
  const Continuation& state() const { return state_; }
  uint64_t tail_bytes() const { return tail_bytes_; }  // in whole parts found without a line

 private:
  void take(const OpenLine& line);
  void take(const FileLine& line);
  void take(const FragLine& line);
  void take(const GapLine& line);
  void take(const CloseLine& line);
  void take(const IoLine& line);
  void take(const EndLine& line);
  void enter_file(uint32_t file);
  // Parts of the present file in [expected_, until), told as segments.
  void walk(uint64_t until, bool live);
  void finish_walked();
  void media(const FragLine& line);
  void tell(playlist::Record record) {
    if (on_record_) on_record_(std::move(record));
  }

  std::string directory_;
  OnRecord on_record_;
  RecordMaker maker_;
  Continuation state_;
  bool opened_ = false, ended_ = false;
  std::optional<uint32_t> file_;    // the present one
  uint32_t next_file_ = 0;          // after the latest
  uint64_t expected_ = 0;           // where its next bytes begin
  std::optional<FragLine> walked_;  // a segment being put together from parts
  bool recovered_ = false;          // after a `recover` line
  uint64_t tail_bytes_ = 0;
};

// A run.jl's last line, if it is `end`: without newline. Reads no more than its last bytes.
std::optional<std::string> read_end_line(int chain);

// Where the run in `directory` leaves its stream; reads no more of run.jl than its ends unless it must.
// ENODATA: it has not even a first line.
Result<Continuation> scan_continuation(const std::string& directory, bool& ended);

}  // namespace headgate::store
