// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include <conformance/fragments.h>

#include "boxes.h"
#include "codec_name.h"

namespace headgate::conformance {
namespace {

constexpr size_t kVideoEntryBytes = 78,
                 kAudioEntryBytes = 28;  // before the boxes inside (14496-12, 12.1.3, 12.2.3)

std::optional<Bytes> child(Bytes bytes, const char (&name)[5]) {
  auto box = find_box(bytes, fourcc(name));
  if (!box || !box->whole) return std::nullopt;
  return box->body;
}

// A full box's version; its fields begin behind the flags.
uint8_t version_of(ByteReader& reader) {
  const uint8_t version = reader.u8();
  reader.skip(3);
  return version;
}

void track_header(Bytes body, MediaTrack& track, std::vector<std::string>& faults) {
  ByteReader reader(body);
  const bool wide = version_of(reader) == 1;
  reader.skip(wide ? 16 : 8);
  track.id = reader.u32();
  reader.skip(4);
  const uint64_t duration = wide ? reader.u64() : reader.u32();
  reader.skip(8 + 8 + 36);
  track.display_width = reader.u32() >> 16;
  track.display_height = reader.u32() >> 16;
  if (duration != 0) faults.push_back("track " + std::to_string(track.id) + "'s header has a duration");
}

void colour(Bytes children, MediaTrack& track) {
  auto colr = child(children, "colr");
  if (!colr) return;
  ByteReader reader(*colr);
  if (reader.u32() != fourcc("nclx")) return;
  reader.skip(2);
  const uint16_t transfer = reader.u16();
  if (reader.ok()) track.transfer = transfer;
}

void sample_entry(Bytes stsd, MediaTrack& track) {
  ByteReader reader(stsd);
  reader.skip(8);
  Boxes entries(reader.rest());
  auto entry = entries.next();
  if (!entry || !entry->whole) return;
  const size_t fields = track.kind == TrackKind::video   ? kVideoEntryBytes
                        : track.kind == TrackKind::audio ? kAudioEntryBytes
                                                         : entry->body.size();
  if (entry->body.size() < fields) return;
  if (track.kind == TrackKind::video) {
    ByteReader size(entry->body.subspan(24));
    track.width = size.u16();
    track.height = size.u16();
    colour(entry->body.subspan(fields), track);
  }
  name_codec(entry->type, entry->body.subspan(fields), track);
}

void sample_table(Bytes stbl, MediaTrack& track, std::vector<std::string>& faults) {
  if (auto stsd = child(stbl, "stsd")) sample_entry(*stsd, track);
  uint32_t count = 0;
  if (auto stts = child(stbl, "stts")) {
    ByteReader reader(*stts);
    reader.skip(4);
    count = reader.u32();
  }
  if (count != 0) faults.push_back("track " + std::to_string(track.id) + " has samples in the moov");
}

Result<MediaTrack> read_track(Bytes trak, std::vector<std::string>& faults) {
  MediaTrack track;
  auto tkhd = child(trak, "tkhd"), mdia = child(trak, "mdia");
  if (!tkhd || !mdia) return Unexpected("a track has no tkhd or no mdia");
  track_header(*tkhd, track, faults);
  auto mdhd = child(*mdia, "mdhd"), hdlr = child(*mdia, "hdlr"), minf = child(*mdia, "minf");
  if (!mdhd || !hdlr || !minf) return Unexpected("a track's mdia has no mdhd, hdlr or minf");
  ByteReader times(*mdhd);
  times.skip(version_of(times) == 1 ? 16 : 8);
  track.timescale = times.u32();
  if (!times.ok() || track.timescale == 0) return Unexpected("a track has no timescale");
  ByteReader handler(*hdlr);
  handler.skip(8);
  const uint32_t kind = handler.u32();
  track.kind = kind == fourcc("vide")   ? TrackKind::video
               : kind == fourcc("soun") ? TrackKind::audio
                                        : TrackKind::other;
  auto stbl = child(*minf, "stbl");
  if (!stbl) return Unexpected("a track has no stbl");
  sample_table(*stbl, track, faults);
  return track;
}

void defaults(Bytes mvex, MediaInit& init) {
  Boxes boxes(mvex);
  while (auto box = boxes.next()) {
    if (box->type != fourcc("trex")) continue;
    ByteReader reader(box->body);
    reader.skip(4);
    const uint32_t id = reader.u32();
    reader.skip(4);
    const uint32_t duration = reader.u32(), size = reader.u32(), flags = reader.u32();
    for (MediaTrack& track : init.tracks) {
      if (!reader.ok() || track.id != id) continue;
      track.default_duration = duration;
      track.default_size = size;
      track.default_flags = flags;
    }
  }
}

}  // namespace

const MediaTrack* MediaInit::find(uint32_t id) const {
  auto found =
      std::find_if(tracks.begin(), tracks.end(), [&](const MediaTrack& one) { return one.id == id; });
  return found == tracks.end() ? nullptr : &*found;
}

Result<MediaInit> read_media_init(Bytes bytes) {
  MediaInit init;
  auto first = Boxes(bytes).next();
  if (!first) return Unexpected("it is no MP4");
  if (first->type != fourcc("ftyp")) init.faults.emplace_back("it does not begin with ftyp");
  auto moov = child(bytes, "moov");
  if (!moov) return Unexpected("there is no moov");
  if (find_box(bytes, fourcc("moof"))) init.faults.emplace_back("it has a moof");
  Boxes boxes(*moov);
  while (auto box = boxes.next()) {
    if (box->type != fourcc("trak") || !box->whole) continue;
    if (init.tracks.size() == kMaxTracks) return Unexpected("there are more than 16 tracks");
    auto track = read_track(box->body, init.faults);
    if (!track) return Unexpected(track.error());
    if (init.find(track->id)) return Unexpected("two tracks have the same identifier");
    init.tracks.push_back(*std::move(track));
  }
  if (boxes.broken()) return Unexpected("the moov's boxes do not fit in it");
  if (init.tracks.empty()) return Unexpected("there is no track");
  if (auto mvhd = child(*moov, "mvhd")) {
    ByteReader reader(*mvhd);
    const bool wide = version_of(reader) == 1;
    reader.skip(wide ? 20 : 12);
    if ((wide ? reader.u64() : reader.u32()) != 0)
      init.faults.emplace_back("the movie header has a duration");
  } else {
    init.faults.emplace_back("there is no mvhd");
  }
  if (auto mvex = child(*moov, "mvex"))
    defaults(*mvex, init);
  else
    init.faults.emplace_back("there is no mvex");
  return init;
}

bool is_mp4(Bytes bytes) {
  constexpr uint32_t kKnown[] = {fourcc("ftyp"), fourcc("styp"), fourcc("moof"), fourcc("moov")};
  Boxes boxes(bytes);
  while (auto box = boxes.next())
    if (std::find(std::begin(kKnown), std::end(kKnown), box->type) != std::end(kKnown)) return true;
  return false;
}

int64_t media_micros(int64_t ticks, uint32_t timescale) {
  constexpr int64_t kMicros = 1'000'000;
  const auto scale = static_cast<int64_t>(timescale);
  const auto limit = static_cast<int64_t>(kMaxMediaSeconds);
  return std::clamp(ticks / scale, -limit, limit) * kMicros + ticks % scale * kMicros / scale;
}

}  // namespace headgate::conformance
