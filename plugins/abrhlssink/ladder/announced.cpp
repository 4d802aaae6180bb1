// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/announced.h"

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

}  // namespace headgate::abrhlssink
