// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dash_sheets.h"

#include <playlist/storyboard.h>

#include <algorithm>
#include <limits>
#include <optional>

namespace headgate::playlist {
namespace {

std::string attribute(const char* name, uint64_t value) {
  return std::string(" ") + name + "=\"" + std::to_string(value) + "\"";
}

uint64_t not_negative(int64_t ticks) {
  return static_cast<uint64_t>(std::max<int64_t>(ticks, 0));
}

uint64_t bits_per_second(uint64_t bytes, uint64_t ticks) {
  const uint64_t bits = bytes * 8 * kTimescale / std::max<uint64_t>(ticks, 1);
  return std::clamp<uint64_t>(bits, 1, std::numeric_limits<uint32_t>::max());
}

}  // namespace

std::string dash_sheets(const StreamIndex& pictures, std::span<const Segment* const> period) {
  if (period.empty()) return {};
  const uint64_t first_msn = period.front()->record.msn;
  const uint64_t begin = (first_msn + kSheetPictures - 1) / kSheetPictures;
  const uint64_t end = (first_msn + period.size()) / kSheetPictures;
  std::string lines;
  std::optional<TileSize> tile;
  uint64_t first = 0, bandwidth = 1;
  for (uint64_t number = end; number-- > begin;) {
    const std::optional<Sheet> sheet = sheet_of(pictures, number);
    if (sheet && (!tile || *tile == sheet->tile)) {
      const size_t at = number * kSheetPictures - first_msn;
      const bool is_last = at + kSheetPictures >= period.size();
      const SegmentRecord& last = period[at + kSheetPictures - 1]->record;
      const uint64_t start = not_negative(period[at]->record.pts),
                     stop = not_negative(is_last ? last.pts + last.duration
                                                 : period[at + kSheetPictures]->record.pts);
      const uint64_t lasts = std::max(stop, start + 1) - start;
      lines = "      <S" + attribute("t", start) + attribute("d", lasts) + "/>\n" + lines;
      bandwidth = std::max(bandwidth, bits_per_second(sheet->bytes, lasts));
      tile = sheet->tile;
      first = number;
    } else if (tile) {
      break;
    }
  }
  if (!tile) return {};
  return "   <AdaptationSet id=\"3\" contentType=\"image\" mimeType=\"image/jpeg\">\n    <SegmentTemplate" +
         attribute("timescale", kTimescale) +
         attribute("presentationTimeOffset", not_negative(period.front()->record.pts)) +
         attribute("startNumber", first) + " media=\"" + kDashPictures + "/sheet-$Number$.jpg\">\n" +
         "     <SegmentTimeline>\n" + lines +
         "     </SegmentTimeline>\n    </SegmentTemplate>\n    <Representation id=\"pictures\"" +
         attribute("bandwidth", bandwidth) + attribute("width", uint64_t{tile->width} * kSheetColumns) +
         attribute("height", uint64_t{tile->height} * kSheetRows) +
         ">\n     <EssentialProperty schemeIdUri=\"http://dashif.org/guidelines/thumbnail_tile\" value=\"" +
         std::to_string(kSheetColumns) + "x" + std::to_string(kSheetRows) +
         "\"/>\n    </Representation>\n   </AdaptationSet>\n";
}

}  // namespace headgate::playlist
