// SPDX-License-Identifier: LGPL-2.1-or-later
// QR codes (ISO/IEC 18004, error correction Q: 25 % of the code words may be lost) and their pictures. Pure
// functions; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::qr {

// Light modules around a code that readers need (ISO/IEC 18004, 9.1).
inline constexpr int kQuietZone = 4;

class Code {
 public:
  Code(int size, std::vector<bool> dark) : size_(size), dark_(std::move(dark)) {}
  int size() const { return size_; }  // modules on a side, without the quiet zone
  int version() const { return (size_ - 17) / 4; }
  // Light outside of the code, so that painters need not care about the quiet zone.
  bool dark(int x, int y) const {
    return x >= 0 && y >= 0 && x < size_ && y < size_ &&
           dark_[static_cast<size_t>(y) * static_cast<size_t>(size_) + static_cast<size_t>(x)];
  }

 private:
  int size_;
  std::vector<bool> dark_;  // rows from the top
};

// One segment around each run of characters that QR's alphanumeric mode has (0-9 A-Z space $%*+-./:), and one
// in byte mode around each run of others: "HTTPS://HOST/", "#", "LT1.…" for a ticket. Fails when the text is
// empty or longer than the largest code.
Result<Code> encode(std::string_view text);

// Half blocks, two rows of modules to a line, with the quiet zone. `ansi`: with escapes that paint black on
// white whatever the terminal's colours are. Without them light modules are drawn, as suits light text on a
// dark ground.
std::string to_terminal(const Code& code, bool ansi);

// One path in whole module coordinates on a white ground, quiet zone included. No size in millimetres: it
// scales to its place.
std::string to_svg(const Code& code);

// 1 bit per pixel, `scale` pixels to a module, at least 1.
inline constexpr int kMaxScale = 64;
Result<ByteVector> to_png(const Code& code, int scale);

}  // namespace headgate::qr
