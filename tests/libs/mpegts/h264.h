// SPDX-License-Identifier: LGPL-2.1-or-later
// NAL units of a byte stream for tests.
#pragma once

#include <string>

#include <base/encoding.h>
#include <ts_writer.h>

namespace headgate::mpegts::test {

inline ByteVector hex(const std::string& text) {
  return from_hex(text).value();
}
// Behind a start code of four bytes.
inline ByteVector nal(const std::string& text) {
  return hex("00000001" + text);
}
// As MP4 has it.
inline ByteVector sized(const std::string& text) {
  const ByteVector body = hex(text);
  ByteVector out;
  ByteWriter(out).u32(body.size());
  return headgate::test::operator+(std::move(out), body);
}

// x264's, 320x180 and 640x360.
inline const std::string kSps = "6742c00cda05067e7c0440000003004000000c83c50aa8";
inline const std::string kOtherSps = "6742c01eda0280bfe5c044000003000400000300c83c58ba80";
inline const std::string kPps = "68ce0fc8", kOtherPps = "68ce3c80";
inline const std::string kDelimiter = "09f0", kFiller = "0cffff80",
                         kSei =
                             "0605021234"
                             "80";
// First slices, with something to tell them by; and a further slice.
inline std::string idr(int number) {
  return "6588" + std::string(1, "0123456789abcdef"[number % 16]) + "7a1b2";
}
inline std::string picture(int number) {
  return "419a" + std::string(1, "0123456789abcdef"[number % 16]) + "9c3d4";
}
inline const std::string kFurtherSlice = "415a778899";

// Delimiter, sets and IDR; delimiter and picture.
inline ByteVector key_unit(int number, const std::string& sps = kSps, const std::string& pps = kPps) {
  using headgate::test::operator+;
  return nal(kDelimiter) + nal(sps) + nal(pps) + nal(idr(number));
}
inline ByteVector unit(int number) {
  using headgate::test::operator+;
  return nal(kDelimiter) + nal(picture(number));
}

}  // namespace headgate::mpegts::test
