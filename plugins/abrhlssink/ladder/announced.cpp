// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/announced.h"

#include <algorithm>

namespace headgate::abrhlssink {

playlist::RenditionRecord rendition_of(const EncoderSettings& settings, const ladder::PlannedRung& rung,
                                       uint32_t rate_over, uint32_t rate_under) {
  playlist::RenditionRecord record;
  record.codecs = expected_codecs(settings, rung.width, rung.height, rate_over, rate_under, rung.rung.kbps);
  record.width = rung.width;
  record.height = rung.height;
  record.frame_rate_milli = static_cast<uint32_t>(uint64_t{rate_over} * 1000 / rate_under);
  record.average_bandwidth = rung.rung.kbps * 1000;
  // A buffer of a second, over the shortest segments that there are: half as much again.
  record.bandwidth = record.average_bandwidth / 2 * 3;
  return record;
}

playlist::RenditionRecord rendition_of(const ladder::Rung& rung, uint32_t channels) {
  playlist::RenditionRecord record;
  record.codecs = "mp4a.40.2";
  record.channels = std::min(channels, kMostChannels);
  record.bandwidth = record.average_bandwidth = rung.kbps * 1000;
  return record;
}

}  // namespace headgate::abrhlssink
