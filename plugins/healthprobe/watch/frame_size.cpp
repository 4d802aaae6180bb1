// SPDX-License-Identifier: LGPL-2.1-or-later
#include "frame_size.h"

#include <algorithm>

namespace headgate::healthprobe {
namespace {

bool says_nothing(uint8_t header, bool h265) {
  if (h265) {
    const int type = header >> 1 & 0x3f;
    return type == 35 || (type >= 38 && type <= 40);
  }
  const int type = header & 0x1f;
  return type == 6 || type == 9 || type == 12;
}

}  // namespace

uint32_t said_bytes(std::span<const uint8_t> frame, const std::optional<NalFormat>& format) {
  const auto all = static_cast<uint32_t>(frame.size());
  if (!format) return all;
  uint32_t said = 0;
  size_t at = 0;
  while (at < frame.size()) {
    if (frame.size() - at < format->length_size) return all;
    size_t length = 0;
    for (int i = 0; i < format->length_size; ++i) length = length << 8 | frame[at++];
    if (length == 0 || length > frame.size() - at) return all;
    if (!says_nothing(frame[at], format->h265)) said += static_cast<uint32_t>(length);
    at += length;
  }
  return said;
}

std::optional<uint32_t> Between::take() {
  if (sizes_.empty()) return std::nullopt;
  const auto later = sizes_.begin() + static_cast<ptrdiff_t>(sizes_.size() / 2);
  const auto tenth = later + (sizes_.end() - later) / 10;
  std::nth_element(later, tenth, sizes_.end());
  const uint32_t size = *tenth;
  sizes_.clear();
  return size;
}

}  // namespace headgate::healthprobe
