// SPDX-License-Identifier: LGPL-2.1-or-later
// Foretells where the source's segments begin, by the same rules and from the same frames as whoever packages
// the source: a packager of its own, whose parts nobody writes.
#pragma once

#include <cstdint>
#include <optional>

#include <fmp4/packager.h>

namespace headgate::abrhlssink {

// Not thread-safe. Times in ns, of one video track in decode order.
class Boundaries {
 public:
  explicit Boundaries(const fmp4::PackagerSettings& settings) : settings_(settings) {}
  // The next frame: whether a segment begins with it.
  bool next(int64_t dts_ns, int64_t pts_ns, bool key);
  // What comes next begins a segment: a new session, a flush. Where the source is cut anew because of its
  // sound is not foretold.
  void reset() { packager_.reset(); }

 private:
  void begin(int64_t dts_ns);

  fmp4::PackagerSettings settings_;
  std::optional<fmp4::Packager> packager_;
  int64_t zero_ns_ = 0;  // DTS of the packager's first frame
  int64_t last_ns_ = 0;  // DTS
};

}  // namespace headgate::abrhlssink
