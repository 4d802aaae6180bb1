// SPDX-License-Identifier: LGPL-2.1-or-later
// From access units to CMAF parts (ISO/IEC 23000-19): collects the access units of one video and one audio
// track (or either alone), cuts parts and segments, and writes one single-track moof+mdat chunk per track and
// part. No I/O and no copy: a part is a list of spans, headers in its own buffer, payload where the caller
// put it.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <base/bytes.h>
#include <base/holder.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::fmp4 {

inline constexpr uint32_t kVideoTrackId = 1;
inline constexpr uint32_t kAudioTrackId = 2;
inline constexpr uint32_t kPartTimescale = 90000;  // of Part::pts and Part::duration

// Ticks of a track's timescale in kPartTimescale, to the nearest: how every Part::pts is made.
int64_t to_part_ticks(int64_t ticks, uint32_t timescale);

// Tracks of one presentation; at least one. ftyp + moov with mvex; each file of an archive starts with these
// bytes, and each single-track form is a CMAF header of its own.
struct Presentation {
  std::optional<codec::Track> video;
  std::optional<codec::Track> audio;
  bool operator==(const Presentation&) const = default;
};
// Error: no track, or a codec that cannot be written yet.
Result<ByteVector> init_segment(const Presentation& presentation);

struct AccessUnit {
  codec::Kind kind = codec::Kind::video;
  int64_t dts = 0;        // ticks of its track's timescale, on the stream's timeline
  int64_t pts = 0;        // likewise; may be before dts (signed composition offset, trun version 1)
  uint32_t duration = 0;  // ticks; 0: not known, taken from the next access unit's dts
  bool key = false;       // video: IDR/CRA; audio: always a sync sample
  Bytes data;             // length-prefixed NAL units, raw AAC, …; valid while `holder` lives
  Holder holder;
  int64_t utc_us = 0;  // when its first byte was received
};

// One of a part's moof+mdat pairs.
struct Chunk {
  uint32_t track_id = 0;
  uint64_t offset = 0;  // bytes from the part's first byte
  uint64_t length = 0;
};

struct Frame {  // for the archive's frame index and frame hashes
  codec::Kind kind;
  Bytes data;
  int64_t pts;  // kPartTimescale
  bool key;
};

struct Part {
  bool starts_segment = false;  // first part of a segment (begins with a key frame; audio alone: by time)
  bool independent = false;     // its video starts with a key frame
  int64_t pts = 0;              // kPartTimescale: earliest presentation time
  int64_t duration = 0;         // kPartTimescale
  int64_t utc_us = 0;           // receipt of the first byte of its first access unit
  uint64_t length = 0;          // bytes, all chunks
  std::vector<Chunk> chunks;    // video before audio; contiguous
  std::vector<iovec> spans;     // all bytes in file order (headers and payload)
  std::vector<Frame> frames;    // in file order
  // What `spans` and `frames` point into.
  ByteVector headers;
  std::vector<AccessUnit> units;
};

struct PackagerSettings {
  int64_t part_ms = 500;      // target; a part never spans a segment boundary. 100 to 10000
  int64_t segment_ms = 2000;  // shortest; a boundary is the first key frame at or after it. 500 to 30000
  int64_t max_segment_ms =
      12000;  // without a key frame for so long, the segment is cut at the next access unit
  int64_t interleave_ms = 1000;  // how far one track may run ahead before a part is cut without the other
};

// Not thread-safe. Units of one track come in DTS order.
class Packager {
 public:
  // `first_sequence` is the first mfhd sequence_number.
  Packager(Presentation presentation, PackagerSettings settings, uint32_t first_sequence = 1);
  ~Packager();
  Packager(Packager&&) noexcept;
  Packager& operator=(Packager&&) noexcept;

  // Refuses what cannot be written truthfully: a unit of an absent track, a DTS that does not grow.
  Result<void> push(AccessUnit unit);
  // The next finished part, if any; call until empty after push().
  std::optional<Part> next_part();
  // Closes the open part (end of stream, a codec change, a gap); what next_part() then returns ends its
  // segment.
  void flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headgate::fmp4
