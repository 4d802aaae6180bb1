// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes out of a recording when it goes through our parsers, and the ways of cutting it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/sha256.h>

#include "recording.h"

namespace headgate::corpus {

struct Found {
  uint32_t frames = 0;
  uint32_t keys = 0;
  uint32_t configs = 0;
  std::optional<int64_t> first_dts, last_dts;  // in the protocol's own unit
  Sha256 bytes;

  void frame(int64_t dts, bool key) {
    ++frames;
    keys += key;
    if (!first_dts) first_dts = dts;
    last_dts = dts;
  }
};

// What a recording is fed with: as it came, byte by byte, or in pieces of sizes that `seed` decides.
enum class Cut { as_it_came, whole, bytes, random };
inline constexpr Cut kCuts[] = {Cut::as_it_came, Cut::whole, Cut::bytes, Cut::random};
const char* name_of(Cut cut);
// Calls `take` with each piece until it returns false.
void feed(const std::vector<ByteVector>& pieces, Cut cut, uint32_t seed,
          const std::function<bool(Bytes)>& take);

}  // namespace headgate::corpus
