// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmp4/reader.h>

#include "box_reader.h"
#include "sample_entry.h"

namespace headgate::fmp4 {
namespace {

constexpr uint32_t kMaxTimescale = 10'000'000;

struct TrackInfo {
  uint32_t id = 0;
  codec::Track track;
};

// Version 0 and 1 of tkhd and mdhd differ in the width of two times before the field wanted.
uint32_t field_behind_times(Bytes full_box) {
  ByteReader reader(full_box);
  const bool wide = reader.u8() == 1;
  reader.skip(3 + (wide ? 16 : 8));
  return reader.u32();
}

Result<TrackInfo> read_trak(Bytes trak) {
  const std::optional<Bytes> tkhd = find_box(trak, four_cc("tkhd"));
  const std::optional<Bytes> mdia = find_box(trak, four_cc("mdia"));
  const std::optional<Bytes> mdhd = mdia ? find_box(*mdia, four_cc("mdhd")) : std::nullopt;
  const std::optional<Bytes> minf = mdia ? find_box(*mdia, four_cc("minf")) : std::nullopt;
  const std::optional<Bytes> stbl = minf ? find_box(*minf, four_cc("stbl")) : std::nullopt;
  // Not an optional: gcc 12 then sees an uninitialised read that is not there.
  const Bytes stsd = (stbl ? find_box(*stbl, four_cc("stsd")) : std::nullopt).value_or(Bytes());
  if (!tkhd || !mdhd) return Unexpected("trak: tkhd or mdhd is missing");
  constexpr size_t kStsdFields = 8;
  if (stsd.size() < kStsdFields) return Unexpected("stsd: missing or ends too early");
  BoxReader entries(stsd.subspan(kStsdFields));
  const std::optional<BoxView> entry = entries.next();
  if (!entry) return Unexpected("stsd: no sample entry");
  Result<codec::Track> track = read_sample_entry(entry->whole);
  if (!track) return Unexpected(track.error());
  TrackInfo info{field_behind_times(*tkhd), std::move(*track)};
  info.track.timescale = field_behind_times(*mdhd);
  if (info.track.timescale == 0 || info.track.timescale > kMaxTimescale)
    return Unexpected("mdhd: timescale " + std::to_string(info.track.timescale));
  return info;
}

Result<Presentation> read_moov(Bytes moov) {
  Presentation presentation;
  BoxReader boxes(moov);
  while (const std::optional<BoxView> box = boxes.next()) {
    if (box->type != four_cc("trak")) continue;
    Result<TrackInfo> info = read_trak(box->body);
    if (!info) return Unexpected(info.error());
    const bool video = info->track.kind == codec::Kind::video;
    std::optional<codec::Track>& slot = video ? presentation.video : presentation.audio;
    if (slot || info->id != (video ? kVideoTrackId : kAudioTrackId))
      return Unexpected("trak: track " + std::to_string(info->id) + " is not one of ours");
    slot = std::move(info->track);
  }
  if (!boxes.ok()) return Unexpected("moov: a box does not fit");
  if (!presentation.video && !presentation.audio) return Unexpected("moov: no track");
  return presentation;
}

}  // namespace

Result<InitInfo> read_init(const Source& source) {
  ByteVector bytes(std::min(source.size, kMaxInitBytes));
  Result<size_t> got = source.read(0, bytes);
  if (!got) return Unexpected(got.error());
  bytes.resize(*got);
  BoxReader boxes(bytes);
  const std::optional<BoxView> ftyp = boxes.next();
  if (!ftyp || ftyp->type != four_cc("ftyp")) return Unexpected("no ftyp at the beginning");
  const std::optional<BoxView> moov = boxes.next();
  if (!moov || moov->type != four_cc("moov")) return Unexpected("no whole moov behind the ftyp");
  Result<Presentation> presentation = read_moov(moov->body);
  if (!presentation) return Unexpected(presentation.error());
  return InitInfo{std::move(*presentation), ftyp->whole.size() + moov->whole.size()};
}

}  // namespace headgate::fmp4
