// SPDX-License-Identifier: LGPL-2.1-or-later
// A derived rendition's segments beside those of its source, under the same numbers, with the same
// discontinuities and dates: so a player that changes between them finds its place (RFC 8216bis, 6.2.4). What
// the rendition has not (it was not being encoded, its media is kept no longer) is a gap: a segment without
// bytes (EXT-X-GAP, 4.4.4.7), so that players take another one. A gap is told as soon as it is certain: the
// rendition is further on, or nobody encodes it. A segment in which something is missing, because the
// encoder stopped in its middle or came too late, is one, too. One that is encoded on demand and nobody has
// asked for has nothing, not even gaps: what is on offer costs next to nothing.
//
// Where parts are listed a live playlist gets another one with each of the source's, come what may (6.2.1):
// when kMostMissed came and nothing of this one, its next part is a gap (EXT-X-PART's GAP=YES, 4.4.4.9), and
// so are the others of that segment. The segment itself is none if all of it comes before the next one's
// first part is due. So what is listed stays as far behind the source as it was, and there is no leap when
// the encoder is back. Of a source that is silent nobody counts parts, and its clock is not here: an encoder
// that waits for pictures keeps the last ones, and behind() tells. An encoder that starts, with the stream or
// behind a pause, is waited for longer: what it gives first is what players begin with.
#pragma once

#include <map>
#include <optional>
#include <string>

#include <playlist/directives.h>
#include <playlist/record.h>
#include <playlist/stream_index.h>

namespace headgate::playlist {

// Small pictures are such a rendition (codec kPictureCodec): each lasts as long as its segment, whatever its
// sample says, and is listed when that is over.
inline constexpr char kPictureCodec[] = "mjpg";

// What playlists of HLS call a gap, and is there, at least from its beginning on.
struct Unlisted {
  enum class Kind : uint8_t {
    growing,  // it comes too late for them, and is still being written
    cut,      // it has no end: its encoder stopped, or was started again
    whole,    // it came too late
  };
  Kind kind = Kind::cut;
  SegmentRecord segment{};  // what there is of it, but of a growing one: what there was in time
};

inline constexpr size_t kMostMissed = 3;         // parts: 1.5 s by default
inline constexpr size_t kMostMissedAtStart = 8;  // that the source may be ahead of a first part

// Pure, as StreamIndex. `source` is always the same stream's index, and has taken all that was told before.
class RenditionIndex {
 public:
  // The settings are the source's.
  explicit RenditionIndex(IndexSettings settings = {});
  // A record of the rendition's own.
  void add(const Record& record, const StreamIndex& source);
  // The source has changed.
  void follow(const StreamIndex& source);
  // Nobody encodes it any more: all that the source has and this has not is a gap.
  void stop(const StreamIndex& source);
  // The source has a part that this has not, and owes.
  bool behind(const StreamIndex& source) const;
  // Nothing comes of either: the next part is a gap.
  void miss_next(const StreamIndex& source);
  // Another encoder may follow, which says for itself what it does.
  void forget_told();

  const StreamIndex& index() const { return index_; }
  uint64_t version() const { return index_.version() + own_version_; }
  uint64_t segments_version() const { return index_.segments_version() + own_version_; }
  // What its encoder said last; none: nothing, all that is known are the segments.
  const std::optional<RenditionRecord>& told() const { return told_; }
  // bit/s: the peak of what there is of it, or what its encoder promises where that is more; 0: not known.
  uint32_t bandwidth() const;
  // A run of it is open.
  bool writing() const { return writing_; }
  // By number. Players of DASH may have been told of it while it was being written, and nothing obliges those
  // to be on time.
  const std::map<uint64_t, Unlisted>& unlisted() const { return unlisted_; }
  const Unlisted* find_unlisted(uint64_t msn) const;
  // What comes of it comes too late for its parts to be listed, and there is more to come.
  bool is_late(uint64_t msn) const;
  // Before it has anything to list: a part that its playlist will have reached from its first answer on.
  // None: it has something, or the source has no segment.
  std::optional<PartName> will_reach() const;
  // The segment that it tells of next, by the newest record of its own; none: nothing yet.
  std::optional<uint64_t> at() const { return at_; }
  // A segment that can be played is in the index.
  bool has_media() const;

 private:
  void on(const RunRecord& run, const StreamIndex& source);
  void on(const InitRecord& init, const StreamIndex& source);
  void on(const PartRecord& part, const StreamIndex& source);
  void on(const SegmentRecord& segment, const StreamIndex& source);
  void on(const GapRecord& gap, const StreamIndex& source);
  void on(const EndRecord& end, const StreamIndex& source);
  void on(const RenditionRecord& rendition, const StreamIndex& source);
  void fill(uint64_t until, const StreamIndex& source);
  bool untouched() const;
  bool keeps_pace(const StreamIndex& source) const;
  bool lost(uint64_t msn) const;
  bool may_wait(const StreamIndex& source) const;
  const PartRecord* following(uint64_t msn, const StreamIndex& source) const;
  bool add_gap_part(uint64_t msn, const StreamIndex& source);
  void complete_parts(uint64_t msn, const StreamIndex& source);
  void miss(const StreamIndex& source);
  bool of_pictures(const std::string& init_id) const;
  bool has_hole(const SegmentRecord& segment) const;
  static bool has_no_beginning(const PartRecord& part, const StreamIndex& source);
  void keep(Unlisted::Kind kind, const SegmentRecord& segment, const SegmentRecord& of_source);
  void expect_beginning(const StreamIndex& source);
  size_t ahead(const StreamIndex& source) const;
  void come_to(uint64_t msn);
  void cut_growing(uint64_t until);
  bool has_fallen_out(const StreamIndex& source) const;

  IndexSettings settings_;
  StreamIndex index_;
  std::optional<RenditionRecord> told_;
  uint64_t own_version_ = 0;  // grows when that changes, or what is unlisted
  std::map<uint64_t, Unlisted> unlisted_;
  std::optional<uint64_t> at_;
  std::optional<uint64_t> will_reach_;  // while it has nothing
  bool writing_ = false;                // between its RunRecord and EndRecord
  bool stopped_ = false;                // and not to go on without another RunRecord
  std::optional<PartName> newest_;      // of the source's
  size_t missed_ = 0;                   // parts of the source since there was something of this one
};

}  // namespace headgate::playlist
