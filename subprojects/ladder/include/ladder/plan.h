// SPDX-License-Identifier: LGPL-2.1-or-later
// Which video rungs a source can fill, and how large their pictures are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ladder/rungs.h>

namespace headgate::ladder {

struct SourcePicture {
  uint32_t width = 0, height = 0;              // as decoded, in pixels
  uint32_t aspect_over = 1, aspect_under = 1;  // of a pixel
  // It is passed through and stands for a rung of its size, unless its bit rate is too high for that.
  bool stands = true;
  uint32_t kbps = 0;  // 0: not known
};

// A source with more than so many times the bit rate of a rung of its size does not stand for it.
inline constexpr uint32_t kMostOfRung = 2;

struct PlannedRung {
  Rung rung;
  uint32_t width = 0, height = 0;  // square pixels, both even
  bool operator==(const PlannedRung&) const = default;
};

enum class DropReason : uint8_t {
  larger_than_source,
  is_source,  // as many lines as the source, which stands for it
};

struct DroppedRung {
  Rung rung;
  DropReason reason = DropReason::larger_than_source;
};

struct Plan {
  std::vector<PlannedRung> rungs;  // larger before smaller: each is scaled from the one before that runs
  std::vector<DroppedRung> dropped;
};

// Of the video rungs; audio is left out. A rung's lines are the shorter side of its picture: a telephone held
// upright has 720 x 1280 in "720p". The picture's shape is the source's, to the nearest even number.
Plan make_plan(const std::vector<Rung>& rungs, const SourcePicture& source);

// What each of these pictures (lines, larger before smaller) is scaled from: the place in the list of a
// larger one, or nothing: the source. Small steps cost least and lose most, since each one filters and
// rounds: so there is one picture between a rung and the source at most, and that is at least twice as large
// as the rung.
std::vector<std::optional<size_t>> scaled_from(const std::vector<uint32_t>& lines);

}  // namespace headgate::ladder
