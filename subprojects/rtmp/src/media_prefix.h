// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: how much of an audio or video message is given to sinks as its prefix
// (chunk_reader.h).
#pragma once

#include <algorithm>

#include <rtmp/chunk_reader.h>

namespace headgate::rtmp {

// Of a message of `length` bytes at least so many, judged by those in `have`: when that is not more than
// have.size(), they are all of it.
inline size_t media_prefix_size(uint8_t type, Bytes have, size_t length) {
  const size_t size = type == kVideo ? video_header_size(have) : type == kAudio ? audio_header_size(have) : 0;
  return std::min({size, kMaxPrefix, length});
}

// The whole of it.
inline Bytes media_prefix(uint8_t type, Bytes message) {
  size_t size = 0;
  while (const size_t more = media_prefix_size(type, message.first(size), message.size())) {
    if (more <= size) break;
    size = more;
  }
  return message.first(size);
}

}  // namespace headgate::rtmp
