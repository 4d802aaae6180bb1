// SPDX-License-Identifier: LGPL-2.1-or-later
// A segment as the origin finds it on a disk: any bytes.
#include <cstdint>
#include <cstdlib>

#include <fmp4/views.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void expect_inside(const fmp4::TrackView& track, uint64_t offset, uint64_t end) {
  uint64_t at = offset, sum = 0;
  for (const fmp4::ByteRange& range : track.chunks) {
    require(range.length > 0 && range.offset >= at && range.length <= end - range.offset);
    at = range.offset + range.length;
    sum += range.length;
  }
  require(sum == track.bytes);
  require(!track.chunks.empty() || track == fmp4::TrackView());
}

void view(const fmp4::Source& source, uint64_t offset, uint64_t length) {
  const Result<fmp4::SegmentView> segment = fmp4::read_segment(source, offset, length);
  if (!segment) return;
  const uint64_t end = offset + length;
  require(end <= source.size);
  expect_inside(segment->video, offset, end);
  expect_inside(segment->audio, offset, end);
  const auto& [key_offset, key_length] = segment->key_frame;
  if (key_length == 0) return;
  const fmp4::ByteRange& first = segment->video.chunks.front();
  require(key_offset == first.offset && key_length <= first.length);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const fmp4::Source source = fmp4::source_of(bytes);
  const Result<fmp4::InitInfo> init = fmp4::read_init(source);
  if (init) view(source, init->length, size - init->length);
  view(source, 0, size);
  view(source, size / 2, size);
  view(source, UINT64_MAX, 1);
  for (const codec::Kind kind : {codec::Kind::video, codec::Kind::audio}) {
    const Result<ByteVector> alone = fmp4::single_track_init(bytes, kind);
    const bool video = kind == codec::Kind::video;
    require(alone.has_value() ==
            (init && (video ? init->presentation.video : init->presentation.audio).has_value()));
    if (!alone) continue;
    const Result<fmp4::InitInfo> back = fmp4::read_init(fmp4::source_of(*alone));
    require(back && back->length == alone->size());
    require((video ? back->presentation.video : back->presentation.audio) ==
            (video ? init->presentation.video : init->presentation.audio));
    require(!(video ? back->presentation.audio : back->presentation.video));
    require(*fmp4::single_track_init(*alone, kind) == *alone);
  }
  return 0;
}
