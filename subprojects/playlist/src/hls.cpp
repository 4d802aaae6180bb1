// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/hls.h>

#include <algorithm>
#include <cstdio>

#include "text.h"

namespace headgate::playlist {
namespace {

// EXT-X-MAP in a playlist of whole segments (RFC 8216, 7).
constexpr char kHeader[] = "#EXTM3U\n#EXT-X-VERSION:6\n";

std::string range(uint64_t offset, uint64_t length) {
  return std::to_string(length) + "@" + std::to_string(offset);
}

// Before the names of a view's segments and init segments.
const char* letter(View view) {
  if (view == View::whole) return "";
  return view == View::audio ? "a" : "v";
}

class MediaPlaylist {
 public:
  MediaPlaylist(const StreamIndex& index, const MediaPlaylistSettings& settings)
      : index_(index),
        settings_(settings),
        begin_(settings.type == PlaylistType::live ? index.live_begin() : 0) {}

  std::string text() {
    write_head();
    const Segment* last = nullptr;
    for (size_t i = begin_; i < index_.segments().size(); ++i) {
      const Segment& segment = index_.segments()[i];
      write_segment(segment, last);
      last = &segment;
    }
    if (settings_.ended || settings_.type == PlaylistType::vod) out_ += "#EXT-X-ENDLIST\n";
    return std::move(out_);
  }

 private:
  void write_head() {
    const auto& segments = index_.segments();
    out_ = kHeader;
    out_ += "#EXT-X-TARGETDURATION:" + std::to_string(index_.target_seconds()) + "\n";
    const bool empty = begin_ >= segments.size();
    const uint64_t first = empty ? index_.next_msn().value_or(0) : segments[begin_].record.msn;
    out_ += "#EXT-X-MEDIA-SEQUENCE:" + std::to_string(first) + "\n";
    if (const uint64_t sequence = empty ? 0 : segments[begin_].discontinuity_sequence; sequence > 0)
      out_ += "#EXT-X-DISCONTINUITY-SEQUENCE:" + std::to_string(sequence) + "\n";
    if (settings_.type == PlaylistType::event) out_ += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
    if (settings_.type == PlaylistType::vod) out_ += "#EXT-X-PLAYLIST-TYPE:VOD\n";
    if (index_.independent()) out_ += "#EXT-X-INDEPENDENT-SEGMENTS\n";
    if (settings_.view == View::key_frames) out_ += "#EXT-X-I-FRAMES-ONLY\n";
  }

  void write_segment(const Segment& segment, const Segment* last) {
    const SegmentRecord& record = segment.record;
    bool discontinuous = false;
    if (last != nullptr) {
      const uint64_t tags =
          segment.continues ? segment.discontinuity_sequence - last->discontinuity_sequence : 1;
      for (uint64_t i = 0; i < tags; ++i) out_ += "#EXT-X-DISCONTINUITY\n";
      discontinuous = tags > 0;
    }
    const bool ranges = settings_.addressing == Addressing::byte_range;
    if (last == nullptr || discontinuous || record.init_id != last->record.init_id ||
        (ranges && record.file != last->record.file))
      write_map(record);
    if (segment.program_utc_us != 0)
      out_ += "#EXT-X-PROGRAM-DATE-TIME:" + date_time(segment.program_utc_us) + "\n";
    if (is_gap(segment)) out_ += "#EXT-X-GAP\n";
    out_ += "#EXTINF:" + seconds(record.duration) + ",\n";
    if (settings_.view == View::key_frames) return write_key_frame(record);
    if (ranges) out_ += "#EXT-X-BYTERANGE:" + range(record.offset, record.length) + "\n";
    out_ += settings_.prefix + letter(settings_.view) +
            (ranges ? escaped(record.file) : segment_uri(record.msn)) + "\n";
  }

  const SegmentFacts* facts_of(const SegmentRecord& record) const {
    return settings_.facts != nullptr ? settings_.facts->find(record) : nullptr;
  }

  bool is_gap(const Segment& segment) const {
    if (settings_.view == View::whole) return false;
    const SegmentFacts* facts = facts_of(segment.record);
    if (settings_.view == View::key_frames) return facts == nullptr || facts->key_length == 0;
    return facts != nullptr && (settings_.view == View::video ? facts->video_bytes : facts->audio_bytes) == 0;
  }

  // A part of the same resource that whoever plays the stream has: caches have it once.
  void write_key_frame(const SegmentRecord& record) {
    const SegmentFacts* facts = facts_of(record);
    if (facts != nullptr && facts->key_length > 0)
      out_ += "#EXT-X-BYTERANGE:" + range(facts->key_offset, facts->key_length) + "\n";
    out_ += settings_.prefix + segment_uri(record.msn) + "\n";
  }

  void write_map(const SegmentRecord& record) {
    const InitRecord& init = index_.inits().at(record.init_id);
    if (settings_.addressing == Addressing::uri) {
      out_ += "#EXT-X-MAP:URI=\"" + settings_.prefix + letter(settings_.view) + init_uri(init.id) + "\"\n";
    } else {
      // Each file begins with the init segment of all that it holds.
      out_ += "#EXT-X-MAP:URI=\"" + settings_.prefix + escaped(record.file) + "\",BYTERANGE=\"" +
              range(init.offset, init.length) + "\"\n";
    }
  }

  const StreamIndex& index_;
  const MediaPlaylistSettings& settings_;
  size_t begin_;
  std::string out_;
};

}  // namespace

std::string init_uri(const std::string& init_id) {
  return "init-" + escaped(init_id) + ".mp4";
}

std::string segment_uri(uint64_t msn) {
  return std::to_string(msn) + ".m4s";
}

std::string media_playlist(const StreamIndex& index, const MediaPlaylistSettings& settings) {
  return MediaPlaylist(index, settings).text();
}

std::string multivariant_playlist(const StreamIndex& index, const MultivariantSettings& settings) {
  const InitRecord* init = index.newest_init();
  if (init == nullptr || index.segments().empty()) return {};
  std::string out = kHeader;
  out += "#EXT-X-STREAM-INF:BANDWIDTH=" + std::to_string(std::max(index.bandwidth(), 1u)) +
         ",AVERAGE-BANDWIDTH=" + std::to_string(std::max(index.average_bandwidth(), 1u));
  if (!init->codecs.empty()) out += ",CODECS=\"" + quotable(init->codecs) + "\"";
  if (init->width > 0 && init->height > 0)
    out += ",RESOLUTION=" + std::to_string(init->width) + "x" + std::to_string(init->height);
  if (init->frame_rate_milli > 0) {
    char rate[32];
    std::snprintf(rate, sizeof rate, ",FRAME-RATE=%.3f", init->frame_rate_milli / 1000.0);
    out += rate;
  }
  return out + "\n" + settings.media_uri + "\n";
}

}  // namespace headgate::playlist
