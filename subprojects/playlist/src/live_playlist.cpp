// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/live_playlist.h>

#include <algorithm>

#include "media_writer.h"

namespace headgate::playlist {
namespace {

// Where in segments() those behind `msn` begin.
size_t behind(const StreamIndex& index, uint64_t msn) {
  const auto& segments = index.segments();
  const auto found =
      std::upper_bound(segments.begin(), segments.end(), msn,
                       [](uint64_t number, const Segment& segment) { return number < segment.record.msn; });
  return static_cast<size_t>(found - segments.begin());
}

}  // namespace

void LivePlaylist::forget() {
  *this = {};
}

void LivePlaylist::drop_before(uint64_t msn) {
  while (!blocks_.empty() && blocks_.front().msn < msn) blocks_.pop_front();
  const uint64_t end = dropped_ + text_.size(), begin = blocks_.empty() ? end : blocks_.front().begin;
  // Seldom, and not for each segment that leaves: what is behind is moved.
  if ((begin - dropped_) * 2 <= text_.size()) return;
  text_.erase(0, begin - dropped_);
  dropped_ = begin;
}

// Segments [begin, end) become blocks; the one before `begin` is listed too.
void LivePlaylist::settle(const StreamIndex& index, const MediaPlaylistSettings& settings, size_t begin,
                          size_t end) {
  const auto& segments = index.segments();
  const MediaWriter writer(index, settings);
  const bool fits =
      !blocks_.empty() && epoch_ == index.epoch() && blocks_.back().msn >= segments[begin - 1].record.msn;
  if (!fits) forget();
  epoch_ = index.epoch();
  drop_before(segments[begin].record.msn);
  size_t next = blocks_.empty() ? begin : behind(index, blocks_.back().msn);
  for (; next < end && writer.is_settled(segments[next]); ++next) {
    blocks_.push_back({segments[next].record.msn, dropped_ + text_.size()});
    writer.segment(text_, segments[next], &segments[next - 1]);
  }
}

std::string LivePlaylist::text(const StreamIndex& index, const MediaPlaylistSettings& settings) {
  const auto& segments = index.segments();
  const MediaWriter writer(index, settings);
  const size_t begin = writer.begin(), skipped = writer.skipped();
  std::string out;
  writer.head(out, skipped);
  size_t from = begin + skipped;
  if (begin + 1 < segments.size()) {
    settle(index, settings, begin + 1, segments.size());
    // The first one has other lines than it had behind another.
    if (skipped == 0) writer.segment(out, segments[from++], nullptr);
    if (!blocks_.empty() && segments[from].record.msn <= blocks_.back().msn) {
      const auto first = std::lower_bound(blocks_.begin(), blocks_.end(), segments[from].record.msn,
                                          [](const Block& block, uint64_t msn) { return block.msn < msn; });
      out.append(text_, first->begin - dropped_);
      from = behind(index, blocks_.back().msn);
    }
  }
  writer.tail(out, from);
  return out;
}

}  // namespace headgate::playlist
