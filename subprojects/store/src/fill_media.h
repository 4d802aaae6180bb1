// SPDX-License-Identifier: LGPL-2.1-or-later
// What fill is made of: the last picture of a stream and its decoder configurations, from what is on disk.
#pragma once

#include <cstdint>
#include <string>

#include <base/bytes.h>
#include <base/result.h>
#include <fmp4/packager.h>
#include <playlist/record.h>

namespace headgate::store {

struct FillMedia {
  fmp4::Presentation presentation;
  ByteVector picture;          // an access unit, a key frame; empty: there is no video
  ByteVector silence;          // an access unit; empty: there is no audio
  uint32_t silence_ticks = 0;  // that it lasts, in the audio's timescale
  playlist::RunRecord run;     // that it is from
  uint64_t last_msn = 0;       // of that run
  int64_t dated_until_us = 0;  // its last segment, as playlists date it; 0: not known
};

// From the newest run of the volume at `root` that has media, `newest` and before. ENODATA: none of the last
// ones has any; ENOTSUP: its sound cannot be made silent.
Result<FillMedia> find_fill_media(const std::string& root, uint32_t event, uint32_t station,
                                  const std::string& newest);

// The prepared picture for `video`, of the folder `slates`. ENOENT: there is none; EINVAL: it does not fit.
Result<ByteVector> find_slate(const std::string& slates, const codec::Track& video);

}  // namespace headgate::store
