// SPDX-License-Identifier: LGPL-2.1-or-later
// A stranger's initialisation section and segment, one behind the other, as an init and two segments.
#include <cstdint>
#include <cstdlib>

#include <conformance/segment_checker.h>

using namespace headgate;
using namespace headgate::conformance;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  SegmentChecker checker;
  const Resource map{"init", std::nullopt};
  checker.take_init(map, bytes);
  auto init = read_media_init(bytes);
  require(init.has_value() == checker.has_init(map) || !is_mp4(bytes));
  if (!init) return 0;
  require(!init->tracks.empty() && init->tracks.size() <= kMaxTracks);
  for (const bool cut_off : {false, true}) {
    auto media = read_media_segment(bytes, *init, cut_off);
    if (!media) continue;
    require(!media->fragments.empty() && media->fragments.size() <= kMaxFragments);
    for (const TrackFragment& fragment : media->fragments) {
      const MediaTrack* track = init->find(fragment.track_id);
      require(track && fragment.samples > 0 && fragment.sync_samples <= fragment.samples &&
              fragment.untrue_sync_samples <= fragment.sync_samples && fragment.duration >= 0);
      media_micros(fragment.earliest, track->timescale);
    }
  }
  Segment segment;
  segment.map = map;
  segment.duration = kSecond;
  segment.parts.resize(2);
  for (segment.msn = 1; segment.msn < 3; ++segment.msn) {
    checker.take_part(segment, 0, bytes);
    checker.take_part(segment, 1, bytes);
    checker.take_segment(segment, {true, segment.msn == 2}, bytes);
  }
  checker.rates(1);
  return 0;
}
