// SPDX-License-Identifier: LGPL-2.1-or-later
// Fill: what players are given while a station's publisher is away, so that they do not stall: the last key
// frame of the last run over and over, or a prepared one, with silence; no encoder is needed, and the codec
// parameters stay what they are. It is no evidence and no part of the archive: it has volumes of its own,
// <root>/derived/fill and, of each rendition that was being encoded, <root>/derived/fill-<rendition>, with a
// retention. Only numbers tie it to the archive: fill takes the media sequence numbers behind the last run's,
// and the station's next run goes on behind those and is dated no earlier (`filled` and `filled_utc` of its
// `open`), its `gap` and its times of receipt being what they would be.
//
// Segments are kFillSegmentMs long, and written whole: a station's next run is opened between two of them,
// whichever process opens it (both hold the station's lock), and from then on there is no more fill.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <base/clock.h>
#include <base/result.h>
#include <playlist/record.h>

namespace headgate::store {

inline constexpr int64_t kFillSegmentMs = 1000;  // about: whole parts
// Fill is ahead of the clock by at most as much, so that it lasts until there is something of the next run.
inline constexpr int64_t kFillAheadMs = kFillSegmentMs;
// What was missed before fill began is not made up for beyond this.
inline constexpr int64_t kFillBehindMs = 2000;
inline constexpr int64_t kFillKeepMs = 86'400'000;  // the longest live playlist
inline constexpr uint64_t kMaxSlateBytes = 8u << 20;
// A rendition whose picture, as often as its parts are cut, is more gets no fill: 2 MiB twice a second.
inline constexpr uint64_t kMaxFillBytesPerSecond = 4u << 20;
// Of all renditions together, between two runs: then it ends.
inline constexpr uint64_t kMaxFillBytes = 2ull << 30;

struct FillSettings {
  std::string root, node;  // the archive's
  uint32_t event = 0, station = 0;
  std::string run;  // that is followed: the station's last one, which has ended
  // A folder of prepared pictures, each a fragmented MP4 file as the archive's are, of which the first key
  // frame is shown: <first 16 hex digits of `vcfg`>.mp4 (docs/archive.md, record `file`). One whose decoder
  // configuration is not the stream's is passed over, and so is one of more than kMaxFillBytesPerSecond and a
  // folder without one. Empty: none.
  std::string slates;
  uint64_t most_bytes = kMaxFillBytes;  // it ends with the segment that reaches it
};

// Not thread-safe; waits for disks.
class FillWriter {
 public:
  // `rendition`: playlist::kFill of the source, playlist::fill_of() of the others. What the source's tells
  // comes before what the others' do of the same time, but for their RunRecords. From within the calls.
  using OnRecord = std::function<void(const std::string& rendition, const playlist::Record& record)>;
  // Errors by code:
  //   EBUSY      somebody opens a run of the station just now: may be tried again
  //   ECANCELED  the run is not the station's last one: the stream goes on
  //   ENODATA    there is no picture or sound to go on from
  //   EFBIG      the source's picture is more than kMaxFillBytesPerSecond
  //   ENOTSUP    the stream's sound cannot be made silent (codec::silent_frame)
  //   others as RunWriter::open()
  static Result<std::unique_ptr<FillWriter>> start(const FillSettings& settings, OnRecord on_record,
                                                   const Clock& clock = system_clock());
  ~FillWriter();  // tells nothing more
  FillWriter(const FillWriter&) = delete;
  FillWriter& operator=(const FillWriter&) = delete;

  // Writes what the clock wants by now. False: the station has a newer run, there is nothing more to do.
  // Errors: EFBIG, most_bytes are written, and as RunWriter::write(); what was told holds.
  Result<bool> advance();
  // Nobody has come back: EndRecords are told.
  void end(const std::string& reason);

 private:
  struct State;
  explicit FillWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::store
