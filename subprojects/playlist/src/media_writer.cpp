// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_writer.h"

#include <playlist/directives.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "text.h"
#include "view_duration.h"

namespace headgate::playlist {
namespace {

std::string range(uint64_t offset, uint64_t length) {
  return std::to_string(length) + "@" + std::to_string(offset);
}

// Before the names of a view's segments and init segments.
const char* letter(View view) {
  if (view == View::whole) return "";
  return view == View::audio ? "a" : "v";
}

// decimal-floating-point.
std::string seconds_of_ms(int64_t ms) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(ms) / 1000);
  return text;
}

}  // namespace

bool MediaWriter::lists_parts() const {
  return settings_.directives && index_.part_target_ms() > 0 && settings_.view != View::key_frames &&
         !settings_.pictures;
}

// By what is listed: the sound of as many segments may end a frame earlier.
size_t MediaWriter::skipped() const {
  if (!settings_.directives || !settings_.skip || settings_.ended) return 0;
  const auto& segments = index_.segments();
  int64_t left = kSkipTargets * index_.target_seconds() * kTimescale;
  size_t first = segments.size();
  while (first > begin() && left > 0) {
    const SegmentRecord& record = segments[--first].record;
    left -= view_duration(record, facts_of(record), settings_.view, index_.target_seconds());
  }
  return first - begin();
}

void MediaWriter::head(std::string& out, size_t skipped) const {
  const auto& segments = index_.segments();
  // EXT-X-MAP in a playlist of whole segments needs 6, EXT-X-SKIP 9 (RFC 8216bis, 8).
  out += skipped > 0 ? "#EXTM3U\n#EXT-X-VERSION:9\n" : "#EXTM3U\n#EXT-X-VERSION:6\n";
  out += "#EXT-X-TARGETDURATION:" + std::to_string(index_.target_seconds()) + "\n";
  if (settings_.directives) server_control(out);
  const bool empty = begin() >= segments.size();
  const uint64_t first = empty ? index_.next_msn().value_or(0) : segments[begin()].record.msn;
  out += "#EXT-X-MEDIA-SEQUENCE:" + std::to_string(first) + "\n";
  if (const uint64_t sequence = empty ? 0 : segments[begin()].discontinuity_sequence; sequence > 0)
    out += "#EXT-X-DISCONTINUITY-SEQUENCE:" + std::to_string(sequence) + "\n";
  if (settings_.type == PlaylistType::event) out += "#EXT-X-PLAYLIST-TYPE:EVENT\n";
  if (settings_.type == PlaylistType::vod) out += "#EXT-X-PLAYLIST-TYPE:VOD\n";
  if (index_.independent()) out += "#EXT-X-INDEPENDENT-SEGMENTS\n";
  if (settings_.view == View::key_frames || settings_.pictures) out += "#EXT-X-I-FRAMES-ONLY\n";
  if (skipped > 0) out += "#EXT-X-SKIP:SKIPPED-SEGMENTS=" + std::to_string(skipped) + "\n";
}

// The same in all playlists of a stream (RFC 8216bis, 6.2.4).
void MediaWriter::server_control(std::string& out) const {
  const int64_t target_ms = int64_t{index_.target_seconds()} * 1000, part_ms = index_.part_target_ms();
  out +=
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=" + seconds_of_ms(kSkipTargets * target_ms) +
      ",HOLD-BACK=" + seconds_of_ms(kHoldBackTargets * target_ms);
  if (part_ms > 0) out += ",PART-HOLD-BACK=" + seconds_of_ms(kHoldBackTargets * part_ms);
  out += "\n";
  if (lists_parts()) out += "#EXT-X-PART-INF:PART-TARGET=" + seconds_of_ms(part_ms) + "\n";
}

void MediaWriter::segment(std::string& out, const Segment& segment, const Segment* last) const {
  const SegmentRecord& record = segment.record;
  const bool ranges = settings_.addressing == Addressing::byte_range && record.length > 0;
  before_media(out, segment, last);
  const SegmentFacts* facts = facts_of(record);
  const int64_t duration = view_duration(record, facts, settings_.view, index_.target_seconds());
  const int64_t told = facts != nullptr && settings_.view == View::audio ? facts->told : 0;
  if (lists_parts() && record.msn >= index_.listed_parts_begin())
    parts(out, record.msn, Lasts{duration, told});
  if (is_gap(segment)) out += "#EXT-X-GAP\n";
  out += "#EXTINF:" + seconds(duration) + ",\n";
  if (settings_.view == View::key_frames) return key_frame(out, record);
  if (ranges) out += "#EXT-X-BYTERANGE:" + range(record.offset, record.length) + "\n";
  out += settings_.prefix + letter(settings_.view) +
         (ranges ? escaped(record.file) : segment_uri(record.msn)) + "\n";
}

// What applies to a segment and to its first part.
void MediaWriter::before_media(std::string& out, const Segment& segment, const Segment* last) const {
  const SegmentRecord& record = segment.record;
  bool discontinuous = false;
  if (last != nullptr) {
    const uint64_t tags =
        segment.continues ? segment.discontinuity_sequence - last->discontinuity_sequence : 1;
    for (uint64_t i = 0; i < tags; ++i) out += "#EXT-X-DISCONTINUITY\n";
    discontinuous = tags > 0;
  }
  const bool ranges = settings_.addressing == Addressing::byte_range;
  const bool other = last == nullptr || discontinuous || record.init_id != last->record.init_id ||
                     (ranges && record.file != last->record.file);
  const bool nowhere = ranges && record.file.empty();  // a gap
  if (other && !record.init_id.empty() && !nowhere) map(out, record);
  if (segment.program_utc_us != 0)
    out += "#EXT-X-PROGRAM-DATE-TIME:" + date_time(segment.program_utc_us) + "\n";
}

void MediaWriter::map(std::string& out, const SegmentRecord& record) const {
  const InitRecord& init = index_.inits().at(record.init_id);
  if (settings_.addressing == Addressing::uri) {
    out += "#EXT-X-MAP:URI=\"" + settings_.prefix + letter(settings_.view) + init_uri(init.id) + "\"\n";
  } else {
    // Each file begins with the init segment of all that it holds.
    out += "#EXT-X-MAP:URI=\"" + settings_.prefix + escaped(record.file) + "\",BYTERANGE=\"" +
           range(init.offset, init.length) + "\"\n";
  }
}

// How long each of a segment's parts lasts. They know how long their pictures take to be decoded: sound ends
// before or after that, and a run that is cut off behind a picture which was to be shown after others that
// did not come any more is shown for longer. Both are the last parts', which are told together with their
// segment's end. What was listed before stays as it was (RFC 8216bis, 6.2.1).
std::vector<int64_t> MediaWriter::durations(std::span<const PartRecord> parts,
                                            std::optional<Lasts> segment) const {
  constexpr int64_t kLeast = kTimescale / 50;
  std::vector<int64_t> out;
  for (const PartRecord& part : parts) out.push_back(part.duration);
  if (!segment || out.empty()) return out;
  int64_t begin = std::accumulate(out.begin(), out.end(), int64_t{0});  // of the part below
  int64_t over = begin - segment->duration;
  if (over < -kFrameTicks) {
    const int64_t most = int64_t{index_.part_target_ms()} * (kTimescale / 1000);
    const int64_t last = out.back() - over;
    // Pictures of which more is missing than a part's last ones have a hole somewhere.
    if (settings_.view == View::audio || last <= most)
      out.back() = std::max(out.back(), std::min(last, most));
  }
  for (auto last = out.rbegin(); last != out.rend() && over > kFrameTicks; ++last) {
    begin -= *last;
    if (begin < segment->told) break;
    const int64_t less = std::clamp<int64_t>(*last - kLeast, 0, over);
    *last -= less;
    over -= less;
  }
  return out;
}

void MediaWriter::parts(std::string& out, uint64_t msn, std::optional<Lasts> segment) const {
  const std::span<const PartRecord> all = index_.parts_of(msn);
  const std::vector<int64_t> lasts = durations(all, segment);
  for (size_t i = 0; i < all.size(); ++i) {
    const PartRecord& part = all[i];
    out += "#EXT-X-PART:DURATION=" + seconds(lasts[i]) + ",URI=\"" + settings_.prefix +
           letter(settings_.view) + part_uri(part.msn, part.index) + "\"";
    if (part.independent || settings_.view == View::audio) out += ",INDEPENDENT=YES";
    if (is_gap(part)) out += ",GAP=YES";
    out += "\n";
  }
}

void MediaWriter::tail(std::string& out, size_t from) const {
  const auto& segments = index_.segments();
  for (size_t i = from; i < segments.size(); ++i)
    segment(out, segments[i], i > begin() ? &segments[i - 1] : nullptr);
  if (settings_.ended || settings_.type == PlaylistType::vod)
    out += "#EXT-X-ENDLIST\n";
  else if (settings_.directives)
    edge(out);
}

// The segment that is being written, what comes next, and how far other renditions are.
void MediaWriter::edge(std::string& out) const {
  const auto& segments = index_.segments();
  if (lists_parts()) {
    if (const auto open = index_.open_segment(); open && (segments.empty() || open->continues)) {
      before_media(out, *open, begin() < segments.size() ? &segments.back() : nullptr);
      parts(out, open->record.msn, std::nullopt);
    }
    if (const auto hint = hinted_part(index_))
      out += "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"" + settings_.prefix + letter(settings_.view) +
             part_uri(hint->msn, hint->index) + "\"\n";
  }
  for (const RenditionReport& report : settings_.reports) {
    out += "#EXT-X-RENDITION-REPORT:URI=\"" + quotable(report.uri) +
           "\",LAST-MSN=" + std::to_string(report.last_msn);
    if (report.last_part) out += ",LAST-PART=" + std::to_string(*report.last_part);
    out += "\n";
  }
}

// A part of the same resource that whoever plays the stream has: caches have it once.
void MediaWriter::key_frame(std::string& out, const SegmentRecord& record) const {
  const SegmentFacts* facts = facts_of(record);
  if (facts != nullptr && facts->key_length > 0)
    out += "#EXT-X-BYTERANGE:" + range(facts->key_offset, facts->key_length) + "\n";
  out += settings_.prefix + segment_uri(record.msn) + "\n";
}

bool MediaWriter::is_settled(const Segment& segment) const {
  return segment.record.msn < index_.listed_parts_begin() &&
         (settings_.view == View::whole || facts_of(segment.record) != nullptr);
}

const SegmentFacts* MediaWriter::facts_of(const SegmentRecord& record) const {
  return settings_.facts != nullptr ? settings_.facts->find(record) : nullptr;
}

bool MediaWriter::is_gap(const Segment& segment) const {
  if (segment.record.length == 0) return true;
  if (settings_.view == View::whole) return false;
  const SegmentFacts* facts = facts_of(segment.record);
  if (settings_.view == View::key_frames) return facts == nullptr || facts->key_length == 0;
  if (facts != nullptr) return (settings_.view == View::video ? facts->video_bytes : facts->audio_bytes) == 0;
  const auto parts = index_.parts_of(segment.record.msn);
  return !parts.empty() &&
         std::all_of(parts.begin(), parts.end(), [this](const PartRecord& part) { return is_gap(part); });
}

// It is missing, or the track has nothing in it.
bool MediaWriter::is_gap(const PartRecord& part) const {
  if (part.length == 0) return true;
  if (settings_.view == View::whole) return false;
  const uint32_t track = settings_.view == View::audio ? kAudioTrack : kVideoTrack;
  return std::none_of(part.chunks.begin(), part.chunks.end(),
                      [track](const ChunkRange& chunk) { return chunk.track_id == track; });
}

}  // namespace headgate::playlist
