// SPDX-License-Identifier: LGPL-2.1-or-later
// From what the boxes of a segment say to what playlists of one track need of it.
#pragma once

#include <base/result.h>
#include <fmp4/views.h>
#include <playlist/track_facts.h>

namespace headgate::origin {

// Timescale of the audio of a file; 0: it has none, or its init segment cannot be read.
uint32_t audio_timescale(const fmp4::Source& file);
// `file`: the one that `segment` names; `timescale`: of its audio. Reads the segment's boxes. Error: the
// bytes are no segment.
Result<playlist::SegmentFacts> read_facts(const fmp4::Source& file, const playlist::SegmentRecord& segment,
                                          uint32_t timescale);

}  // namespace headgate::origin
