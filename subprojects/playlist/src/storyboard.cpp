// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/expected_rates.h>
#include <playlist/storyboard.h>

#include <algorithm>
#include <cstdio>

#include "rates.h"
#include "text.h"

namespace headgate::playlist {
namespace {

// hours:minutes:seconds.milliseconds (WebVTT, 4.1).
std::string timestamp(int64_t ticks) {
  const int64_t ms = ticks * 1000 / kTimescale;
  char text[48];
  std::snprintf(text, sizeof text, "%02lld:%02d:%02d.%03d", static_cast<long long>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60),
                static_cast<int>(ms % 1000));
  return text;
}

std::string tile_fragment(const TileSize& tile, uint64_t place) {
  return "#xywh=" + std::to_string(place % kSheetColumns * tile.width) + "," +
         std::to_string(place / kSheetColumns * tile.height) + "," + std::to_string(tile.width) + "," +
         std::to_string(tile.height);
}

}  // namespace

std::string picture_uri(uint64_t msn) {
  return std::to_string(msn) + ".jpg";
}

std::string sheet_uri(uint64_t number) {
  return "sheet-" + std::to_string(number) + ".jpg";
}

std::optional<TileSize> tile_size(uint32_t width, uint32_t height) {
  constexpr uint32_t kWhole = 8;
  const uint32_t longer = std::max(width, height);
  if (std::min(width, height) == 0 || longer > kMaxPictureSide) return std::nullopt;
  const uint32_t eighths = std::min(kWhole * kTileSide / longer, kWhole);
  const auto scaled = [&](uint32_t side) { return (side * eighths + kWhole - 1) / kWhole; };
  return TileSize{eighths, scaled(width), scaled(height)};
}

std::optional<Sheet> sheet_of(const StreamIndex& pictures, uint64_t number) {
  if (number >= pictures.next_msn().value_or(0) / kSheetPictures) return std::nullopt;
  std::optional<Sheet> sheet;
  const uint64_t first = number * kSheetPictures;
  for (uint64_t i = kSheetPictures; i-- > 0;) {
    const Segment* const one = pictures.find_segment(first + i);
    if (one == nullptr || one->record.length == 0) continue;
    const auto init = pictures.inits().find(one->record.init_id);
    if (init == pictures.inits().end()) continue;
    if (!sheet) {
      const auto tile = tile_size(init->second.width, init->second.height);
      if (!tile) return std::nullopt;
      sheet = Sheet{init->second.width, init->second.height, *tile, {}, 0};
    }
    if (init->second.width != sheet->picture_width || init->second.height != sheet->picture_height) continue;
    sheet->pictures[i] = one;
    sheet->bytes += one->record.length;
  }
  return sheet;
}

std::string picture_playlist(const StreamIndex& pictures, PlaylistType type, bool ended) {
  const auto& all = pictures.segments();
  const size_t begin = type == PlaylistType::live ? pictures.live_begin() : 0;
  const bool any = std::any_of(all.begin() + static_cast<ptrdiff_t>(begin), all.end(),
                               [](const Segment& segment) { return segment.record.length > 0; });
  if (!any) return {};
  MediaPlaylistSettings settings;
  settings.type = type;
  settings.ended = ended;
  settings.pictures = true;
  return media_playlist(pictures, settings);
}

std::string picture_variant(const StreamIndex& stream, const StreamIndex& pictures, const std::string& uri,
                            bool ended) {
  double peak = 0, bytes = 0;
  int64_t ticks = 0;
  auto of_stream = stream.segments().begin();
  for (const Segment& segment : pictures.segments()) {
    const SegmentRecord& record = segment.record;
    while (of_stream != stream.segments().end() && of_stream->record.msn < record.msn) ++of_stream;
    const bool there = of_stream != stream.segments().end() && of_stream->record.msn == record.msn;
    if (!there || record.length == 0 || of_stream->record.duration <= 0) continue;
    const int64_t lasts = of_stream->record.duration;
    peak = std::max(peak, bit_rate(static_cast<double>(record.length), lasts));
    bytes += static_cast<double>(record.length);
    ticks += lasts;
  }
  const InitRecord* init = pictures.newest_init();
  if (ticks == 0 || init == nullptr) return {};
  const Rates seen{clamp_rate(peak), clamp_rate(bit_rate(bytes, ticks))};
  const Rates said = ended ? seen : expected_key_frame_rates(seen);
  return "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=" + std::to_string(std::max(said.peak, 1u)) +
         ",AVERAGE-BANDWIDTH=" + std::to_string(std::max(said.average, 1u)) + ",CODECS=\"" +
         quotable(init->codecs) + "\",RESOLUTION=" + std::to_string(init->width) + "x" +
         std::to_string(init->height) + ",URI=\"" + quotable(uri) + "\"\n";
}

std::string storyboard(const StreamIndex& stream, const StreamIndex& pictures, const std::string& prefix) {
  return Storyboard().text(stream, pictures, prefix);
}

void Storyboard::forget() {
  *this = {};
}

std::string Storyboard::text(const StreamIndex& stream, const StreamIndex& pictures,
                             const std::string& prefix) {
  const auto& segments = stream.segments();
  const uint64_t first = segments.empty() ? 0 : segments.front().record.msn;
  if (first != first_ || epoch_ != stream.epoch() || pictures_epoch_ != pictures.epoch()) forget();
  first_ = first;
  epoch_ = stream.epoch();
  pictures_epoch_ = pictures.epoch();
  const uint64_t certain = pictures.next_msn().value_or(0) / kSheetPictures * kSheetPictures;
  const auto by_number = [](const Segment& segment, uint64_t msn) { return segment.record.msn < msn; };
  auto segment = std::lower_bound(segments.begin(), segments.end(), next_, by_number);
  auto picture = std::lower_bound(pictures.segments().begin(), pictures.segments().end(), next_, by_number);
  const auto end = pictures.segments().end();
  std::string open;  // behind text_
  int64_t at = at_;
  std::optional<uint64_t> number;  // of `sheet`
  std::optional<Sheet> sheet;
  for (; segment != segments.end(); ++segment, ++looked_at_) {
    const int64_t begin = at;
    const uint64_t msn = segment->record.msn;
    at += segment->record.duration;
    const bool settles = msn < certain;
    while (picture != end && picture->record.msn < msn) ++picture;
    if (picture != end && picture->record.msn == msn && picture->record.length > 0) {
      if (number != msn / kSheetPictures) {
        number = msn / kSheetPictures;
        sheet = sheet_of(pictures, *number);
      }
      const uint64_t place = msn % kSheetPictures;
      const bool on_sheet = sheet && sheet->pictures[place] != nullptr;
      (settles ? text_ : open) +=
          "\n" + timestamp(begin) + " --> " + timestamp(at) + "\n" + prefix +
          (on_sheet ? sheet_uri(*number) + tile_fragment(sheet->tile, place) : picture_uri(msn)) + "\n";
    }
    if (settles) next_ = msn + 1, at_ = at;
  }
  return "WEBVTT\n" + text_ + open;
}

}  // namespace headgate::playlist
