// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/track.h>

#include <string>

#include "sps.h"

namespace headgate::codec {

Result<Track> mjpeg_track(uint32_t width, uint32_t height) {
  if (width == 0 || height == 0) return Unexpected("mjpg: no picture size");
  if (width > kMaxDimension || height > kMaxDimension)
    return Unexpected("mjpg: picture of " + std::to_string(width) + "x" + std::to_string(height) +
                      " is larger than " + std::to_string(kMaxDimension) + " either way");
  Track track;
  track.codec = Codec::mjpeg;
  track.width = width;
  track.height = height;
  return track;
}

}  // namespace headgate::codec
