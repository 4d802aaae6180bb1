// SPDX-License-Identifier: LGPL-2.1-or-later
#include "replay.h"

#include <algorithm>
#include <random>

namespace headgate::corpus {
namespace {

constexpr size_t kLargestPiece = 3000;  // of random ones: larger than a chunk, smaller than a frame

}  // namespace

const char* name_of(Cut cut) {
  switch (cut) {
    case Cut::as_it_came:
      return "as it came";
    case Cut::whole:
      return "whole";
    case Cut::bytes:
      return "byte by byte";
    case Cut::random:
      return "in random pieces";
  }
  return "";
}

void feed(const std::vector<ByteVector>& pieces, Cut cut, uint32_t seed,
          const std::function<bool(Bytes)>& take) {
  if (cut == Cut::as_it_came) {
    std::all_of(pieces.begin(), pieces.end(), take);
    return;
  }
  ByteVector all;
  for (const ByteVector& piece : pieces) all.insert(all.end(), piece.begin(), piece.end());
  std::mt19937 random(seed);
  std::uniform_int_distribution<size_t> sizes(1, kLargestPiece);
  for (size_t at = 0; at < all.size();) {
    const size_t wanted = cut == Cut::whole ? all.size() : cut == Cut::bytes ? 1 : sizes(random);
    const size_t size = std::min(wanted, all.size() - at);
    if (!take(Bytes(all).subspan(at, size))) return;
    at += size;
  }
}

}  // namespace headgate::corpus
