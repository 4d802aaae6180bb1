// SPDX-License-Identifier: LGPL-2.1-or-later
// The source of derived renditions as its records tell it: runs, and the time of each part.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include <store/derived.h>

namespace headgate::store {

// One part of the source. Times in fmp4::kPartTimescale; `begin` and `end` as the source was cut: a key frame
// stands at its PTS, other pictures as far behind it as they are decoded behind it.
struct Boundary {
  uint64_t run = 0;  // number of the source's run, from 1
  uint64_t msn = 0, dseq = 0;
  int64_t begin = 0, end = 0;
  int64_t utc_us = 0;
  bool starts_segment = false;
  bool ends_segment = false;  // as far as is known
};

struct SourceRun {
  playlist::RunRecord record;
  std::optional<StreamTime> time;
  bool ended = false;
  std::string end_reason;
};

struct DerivedSource::State {
  void on(const playlist::RunRecord& record);
  void on(const playlist::InitRecord& init);
  void on(const playlist::PartRecord& part);
  void on(const playlist::SegmentRecord& segment);
  void on(const playlist::GapRecord& gap);
  void on(const playlist::EndRecord& end);
  void on(const playlist::RenditionRecord&) {}
  void end_segment();
  void forget_old();

  // Boundaries are numbered from 0; `first` is that of the front.
  uint64_t next() const { return first + boundaries.size(); }
  const Boundary& at(uint64_t number) const { return boundaries[number - first]; }

  std::deque<Boundary> boundaries;
  uint64_t first = 0;
  size_t most = kMaxBoundaries;
  std::map<uint64_t, SourceRun> runs;  // those of `boundaries`, and the newest
  uint64_t run = 0;                    // the newest; 0: none yet

 private:
  uint64_t dseq_ = 0;           // of the newest segment
  bool run_has_parts_ = false;  // the newest
  std::string init_;            // told last
  std::string segment_init_;    // of the newest segment
};

}  // namespace headgate::store
