// SPDX-License-Identifier: LGPL-2.1-or-later
// Tracks and access units for tests that need no encoder.
#pragma once

#include <base/encoding.h>
#include <codec/track.h>
#include <fmp4/packager.h>

namespace headgate::test {

inline codec::Track video_track() {
  return codec::track_from_avcc(from_hex("0164001effe1001a6764001eacd940a02ff97011000003000100000300328f162d9"
                                         "601000668ebe3cb22c0fdf8f8"
                                         "00")
                                    .value())
      .value();
}

inline codec::Track audio_track() {
  return codec::track_from_asc(from_hex("1190").value()).value();
}

inline ByteVector joined(const fmp4::Part& part) {
  ByteVector bytes;
  for (const iovec& span : part.spans) {
    const auto* begin = static_cast<const std::byte*>(span.iov_base);
    bytes.insert(bytes.end(), begin, begin + span.iov_len);
  }
  return bytes;
}

}  // namespace headgate::test
