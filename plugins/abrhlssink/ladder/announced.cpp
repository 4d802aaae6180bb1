// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/announced.h"

#include <algorithm>

namespace headgate::abrhlssink {

namespace {

// bit/s that parts' boxes take, of so many frames as sound has: measured were 4 to 5 kbit/s with parts of
// half a second, whatever the sound's own rate.
constexpr uint32_t kBoxes = 5000;

}  // namespace

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
  record.average_bandwidth = rung.kbps * 1000 + kBoxes;
  // Encoders of sound have no buffer to keep to, only a rate to come back to: as much room as there is above
  // what was seen of a stream that goes on (playlist/expected_rates.h).
  record.bandwidth = record.average_bandwidth / 4 * 5;
  return record;
}

}  // namespace headgate::abrhlssink
