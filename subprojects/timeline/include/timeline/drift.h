// SPDX-License-Identifier: LGPL-2.1-or-later
// A sender who stamps pictures by one clock and sound by another (the system's and the sound card's) lets
// them drift apart: at 500 ppm by 43 s in a day. It is seen by how much later one track's media comes than
// the other's. That is changed by encoders and by the uplink, too, by tens of milliseconds in a minute; what
// it changes evenly over a quarter of an hour, or longer where it is less, is taken for the clocks, and
// nothing else is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headgate::timeline {

// Of each span counts the least delayed frame of each track. It is a minute; where so many of them differ by
// too little to say anything, two become one, up to an hour and more.
inline constexpr int64_t kDriftSpanNs = 60'000'000'000, kDriftLongestSpanNs = 64 * kDriftSpanNs;
inline constexpr size_t kDriftSpans = 16;
// Less than this in all of them is not acted on; none may be further from the line from the first to the last
// than an eighth of what they differ by, or than what times of receipt waver by.
inline constexpr int64_t kDriftLeastNs = 80'000'000, kDriftNoiseNs = 20'000'000;
// Corrections are made so much at a time, and no more often.
inline constexpr int64_t kDriftStepNs = 10'000'000, kDriftStepEveryNs = 1'000'000'000;

// Of one track against another, the reference. All times in ns. Not thread-safe.
class Drift {
 public:
  // Media of `media_ns`, uncorrected, came at `arrival_ns` of a clock that does not step.
  void note_reference(int64_t media_ns, int64_t arrival_ns) { note(0, media_ns, arrival_ns); }
  void note(int64_t media_ns, int64_t arrival_ns) { note(1, media_ns, arrival_ns); }
  // What is to be added to the track's times from now on, beyond what was added before; 0 or kDriftStepNs
  // either way.
  int64_t step(int64_t arrival_ns);
  // A clock was set anew: what was measured, or is still to be corrected, says nothing of it.
  void restart() { *this = Drift(); }

 private:
  void note(size_t side, int64_t media_ns, int64_t arrival_ns);
  void end_span();
  bool is_even() const;
  void condense();

  bool started_ = false;
  int64_t span_ns_ = 0;                             // when the present span began
  int64_t length_ns_ = kDriftSpanNs;                // of each
  int64_t least_ns_[2] = {INT64_MAX, INT64_MAX};    // delays in it
  std::array<int64_t, kDriftSpans> differences_{};  // of the least delays, span by span
  size_t spans_ = 0;                                // of them
  size_t uncounted_ = 0;                            // spans since the last one that is part of owed_ns_
  int64_t owed_ns_ = 0;                             // to be corrected
  int64_t stepped_ns_ = 0;                          // when the last step was made
};

}  // namespace headgate::timeline
