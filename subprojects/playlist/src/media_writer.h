// SPDX-License-Identifier: LGPL-2.1-or-later
// The pieces of a media playlist, appended to a text.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <playlist/hls.h>

namespace headgate::playlist {

class MediaWriter {
 public:
  // Both outlive it.
  MediaWriter(const StreamIndex& index, const MediaPlaylistSettings& settings)
      : index_(index), settings_(settings) {}

  // Of segments(): the first one listed, and how many of the listed ones a Playlist Delta Update leaves out.
  size_t begin() const { return settings_.type == PlaylistType::live ? index_.live_begin() : 0; }
  size_t skipped() const;
  // Up to and with EXT-X-SKIP.
  void head(std::string& out, size_t skipped) const;
  // `last`: the one before it in the playlist, skipped or not; null: it is the first.
  void segment(std::string& out, const Segment& segment, const Segment* last) const;
  // Segments [from, size) and all that stands behind them.
  void tail(std::string& out, size_t from) const;
  // What segment() says of it stays as it is.
  bool is_settled(const Segment& segment) const;

 private:
  void server_control(std::string& out) const;
  void before_media(std::string& out, const Segment& segment, const Segment* last) const;
  void map(std::string& out, const SegmentRecord& record) const;
  // Of a segment that has ended: how long it lasts, and those of its parts together that were told before.
  struct Lasts {
    int64_t duration, told;
  };
  // None: more parts may come.
  std::vector<int64_t> durations(std::span<const PartRecord> parts, std::optional<Lasts> segment) const;
  void parts(std::string& out, uint64_t msn, std::optional<Lasts> segment) const;
  void edge(std::string& out) const;
  void key_frame(std::string& out, const SegmentRecord& record) const;
  bool lists_parts() const;
  bool is_gap(const Segment& segment) const;
  bool is_gap(const PartRecord& part) const;
  const SegmentFacts* facts_of(const SegmentRecord& record) const;

  const StreamIndex& index_;
  const MediaPlaylistSettings& settings_;
};

}  // namespace headgate::playlist
