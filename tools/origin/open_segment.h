// SPDX-License-Identifier: LGPL-2.1-or-later
// A segment that is still being written, sent as its parts come: low-latency DASH (docs/delivery.md). In the
// loop's thread.
#pragma once

#include <span>
#include <vector>

#include "live.h"

namespace headgate::origin {

// What parts of one segment have of a view's track.
std::vector<fmp4::ByteRange> pieces_of(std::span<const playlist::PartRecord> parts, playlist::View view);

// What comes behind the `sent` first parts of the segment that `first` begins. It ends with its segment or
// its run. Error: a part does not come in time (kPatienceTargets), or has left the index (kPartTargets)
// before it was asked for: whoever is so slow costs nothing more; or `whose` (Answer's) has too many that
// wait. Who waits is an entry of the stream's end, and leaves with the last copy of this.
Growth growth(MediaFiles& media, const LiveEnd& stream, const playlist::PartRecord& first, size_t sent,
              playlist::View view, const std::string& whose);

}  // namespace headgate::origin
