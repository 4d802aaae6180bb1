// SPDX-License-Identifier: LGPL-2.1-or-later
// Which parts of a finished segment were told before its end was: what playlists have said of those stays so
// (RFC 8216bis, 6.2.1). Nobody has written that down; the part boxes and the rules by which fmp4::Packager
// waits for sound tell it, so that it is the same whenever, and by whomever, the segment is read.
#pragma once

#include <cstdint>

#include <fmp4/reader.h>
#include <playlist/record.h>

namespace headgate::store {

// Of a segment, on the stream's timeline, playlist::kTimescale.
struct SoundOfSegment {
  int64_t begin = 0, end = 0;
};

// How long those parts last together, from the segment's first on, playlist::kTimescale; in doubt one was
// told. All of the segment where sound is missing and the source goes on: no part changes for that. 0: none,
// or all that was told stays right, or the bytes are no parts of ours. `media`: the file that `segment`
// names, of which the segment's boxes are read.
int64_t told_before_end(const fmp4::Source& media, const playlist::SegmentRecord& segment,
                        const SoundOfSegment& sound);

}  // namespace headgate::store
