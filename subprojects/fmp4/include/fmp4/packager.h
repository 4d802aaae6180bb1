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
// Error: no track, or one without a configuration or (video) a size.
Result<ByteVector> init_segment(const Presentation& presentation);

struct AccessUnit {
  codec::Kind kind = codec::Kind::video;
  int64_t dts = 0;        // ticks of its track's timescale, on the stream's timeline
  int64_t pts = 0;        // likewise; may be before dts (signed composition offset, trun version 1)
  uint32_t duration = 0;  // ticks; 0: not known. Used only where no next access unit tells
  bool key = false;       // video: IDR/CRA, a shown key frame; audio: always a sync sample
  // Length-prefixed NAL units; a temporal unit of OBUs, whose delimiter is not written; a VP9 frame or
  // superframe; a raw AAC frame, an Opus packet, a syncframe, a FLAC frame. Valid while `holder` lives
  Bytes data;
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
  // Its segment's last, known because the boundary behind it has been seen; not set on what flush() leaves.
  bool ends_segment = false;
  // Its video starts with a key frame; audio alone: always, unless a video track is there and has stalled.
  bool independent = false;
  int64_t pts = 0;            // kPartTimescale: earliest presentation time of its video, or else of its audio
  int64_t duration = 0;       // kPartTimescale: of the same track
  int64_t utc_us = 0;         // receipt of the first byte of the same track's first access unit
  uint64_t length = 0;        // bytes, all chunks
  std::vector<Chunk> chunks;  // video before audio; contiguous
  std::vector<iovec> spans;   // all bytes in file order (headers and payload)
  std::vector<Frame> frames;  // in file order
  // What `spans` and `frames` point into.
  ByteVector headers;
  std::vector<AccessUnit> units;
};

// A part of these units of one track, for who cuts by himself: at least one, in DTS order, of which the last
// lasts AccessUnit::duration. `sequence` is the chunk's mfhd sequence_number. Refuses what Packager::push()
// refuses.
Result<Part> single_track_part(const codec::Track& track, std::vector<AccessUnit> units, uint32_t sequence,
                               bool starts_segment, bool ends_segment);

inline constexpr int64_t kInterleaveMs = 1000;  // PackagerSettings::interleave_ms, if nobody says otherwise

struct PackagerSettings {
  // A part ends with the first access unit at or after this, or with the one before where that one is beyond
  // longest_part_ms(); never over a segment boundary. 100 to 10000
  int64_t part_ms = 500;
  // Shortest segment; a boundary is the first key frame at or after it (5 % of it early will do: senders
  // round their timestamps). 500 to 30000
  int64_t segment_ms = 2000;
  // Longest segment, kept within kSegmentSlackMs, which is what a key frame may be late: where waiting for
  // the next one would break this, going by the GOP before, an earlier one ends the segment. Only in a GOP
  // that is longer itself (or longer than the one before) is it cut without a key frame; the segment after
  // that ends with the GOP. A single frame that lasts longer is a longer segment. segment_ms to 120000
  int64_t max_segment_ms = 4000;
  // How far one track may run ahead before a part is cut without the other. 0 to 10000
  int64_t interleave_ms = kInterleaveMs;
};

// What a segment may be longer than max_segment_ms: rounded to seconds it is then no longer than that rounded
// up (EXT-X-TARGETDURATION, RFC 8216, 4.3.3.1).
inline constexpr int64_t kSegmentSlackMs = 400;
// max_segment_ms as it is kept, within its range.
int64_t longest_segment_ms(const PackagerSettings& settings);
// No part is longer, but for one of a single frame: EXT-X-PART-INF's PART-TARGET (RFC 8216bis, 4.4.4.9). A
// tenth more than part_ms: frames of up to 15 % of this fit so that each part but a segment's last has the
// 85 % of it that players are owed.
int64_t longest_part_ms(const PackagerSettings& settings);
// Of that, each part has so much that is not its segment's last (ibid.).
inline constexpr int64_t kLeastPartPercent = 85;

inline constexpr size_t kMaxUnitBytes = 16u << 20;
inline constexpr size_t kMaxPartBytes = 32u << 20;  // a part is cut at these, however short
inline constexpr size_t kMaxPartUnits = 4096;       // of one track
// A sample never lasts longer: what follows a longer silence begins a new chunk at its own decode time.
inline constexpr int64_t kMaxSampleSeconds = 10;

// Cuts where the video says, or the audio when there is none or it has stalled; the other track's units go
// into the part by time. Durations are the differences of DTS, so a part is ready when the next unit has
// come; the last before an end, a gap or a stall gets AccessUnit::duration, or its codec's or the last one's.
// Not thread-safe. Units of one track come in DTS order. Settings are clamped to their ranges.
class Packager {
 public:
  // `first_sequence` is the first mfhd sequence_number.
  Packager(Presentation presentation, PackagerSettings settings, uint32_t first_sequence = 1);
  ~Packager();
  Packager(Packager&&) noexcept;
  Packager& operator=(Packager&&) noexcept;

  // Refuses what cannot be written truthfully, and goes on as if it had not been pushed: a unit of an absent
  // track, empty or larger than kMaxUnitBytes, a DTS that is negative or does not grow, a PTS too far from
  // it.
  Result<void> push(AccessUnit unit);
  // The next finished part, if any; call until empty after push().
  std::optional<Part> next_part();
  // The source is silent, for how long nobody knows: what is there becomes a part now, not when the next unit
  // comes. But only if it may be one whether or not its segment goes on: it has kLeastPartPercent, and its
  // frames come so regularly that the last one's duration is as good as known. What comes then goes on behind
  // it.
  void settle();
  // Closes the open part (end of stream, a codec change, a gap); what next_part() then returns ends its
  // segment.
  void flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headgate::fmp4
