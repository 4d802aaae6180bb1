// SPDX-License-Identifier: LGPL-2.1-or-later
// How many of the rungs that viewers ask for a node encodes: what it has room for, counted in pixels a
// second, shared between streams. Who asks for all rungs of many streams gets no more than the room, and a
// stream whose viewers have several rungs gives one up for a stream whose viewers have fewer. Pure: no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace headgate::ladder {

// Decoding and scaling a pixel of the source counts as such a part of encoding one: measured was a seventh at
// 1.5 Mbit/s (docs/performance.md), and a source may have more.
inline constexpr uint64_t kDecodePart = 4;
// Of pictures that nobody knows the rate of.
inline constexpr uint32_t kUsualRateMilli = 25'000;
// What a rung of sound counts as.
inline constexpr uint64_t kSoundPixels = 500'000;
// So many streams with rungs that cannot be kept up with are the node's fault; one may be too much by itself.
inline constexpr size_t kLateStreams = 2;

// Pixels a second; of sound kSoundPixels.
uint64_t pixel_rate(uint32_t width, uint32_t height, uint32_t frame_rate_milli);

// A rung that is encoded because somebody asks for it, or is asked for now.
struct DemandedRung {
  uint64_t stream = 0;      // a number that is the stream's alone
  uint32_t worker = 0;      // that encodes it
  uint64_t pixels = 0;      // a second, to be encoded
  uint64_t decoded = 0;     // likewise of the source, once for all rungs of a stream
  bool is_paused = false;   // its encoder cannot keep up
  bool is_leaving = false;  // gives way already
};

struct DemandLimits {
  uint64_t pixels = 0;            // a second, of the node; 0: none is encoded on demand
  uint32_t rungs_of_worker = 16;  // at a time: each has memory of its own, and a death takes all
};

enum class DemandVerdict : uint8_t {
  granted,
  no_room,      // the node encodes as much as it may
  worker_full,  // the stream's worker has as many rungs as it may
  overloaded,   // encoders that run cannot keep up, of this stream or of kLateStreams: no more of them
};

struct DemandDecision {
  DemandVerdict verdict = DemandVerdict::granted;
  std::optional<size_t> leaves;  // of `running`: it gives way, so that there is room later
};

// Whether `asked`, which is not of `running`, may be encoded beside those. A node that encodes none encodes
// one, whatever it costs. With no_room a rung gives way where its stream then still has at least what the
// asking stream would have: so streams come near to each other, and no two push each other out in turn.
DemandDecision decide(const std::vector<DemandedRung>& running, const DemandedRung& asked,
                      const DemandLimits& limits);

// Pixels a second that they cost, decoding counted.
uint64_t demanded_pixels(const std::vector<DemandedRung>& running);

}  // namespace headgate::ladder
