// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmp4/views.h>

#include <algorithm>
#include <limits>

namespace headgate::fmp4 {
namespace {

void add(TrackView& track, const ChunkInfo& chunk) {
  const auto decode_time = static_cast<int64_t>(chunk.decode_time);
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / 2);
  track.start = track.chunks.empty() ? chunk.earliest_pts : std::min(track.start, chunk.earliest_pts);
  track.end = decode_time + static_cast<int64_t>(std::min(chunk.duration, kMost));
  track.bytes += chunk.length;
  if (!track.chunks.empty() && track.chunks.back().offset + track.chunks.back().length == chunk.offset)
    track.chunks.back().length += chunk.length;
  else
    track.chunks.push_back({chunk.offset, chunk.length});
}

// The end of the chunk's first sample, from the chunk's first byte on.
Result<ByteRange> first_sample(const Source& source, const ChunkInfo& chunk) {
  const Result<std::vector<SampleInfo>> samples = read_samples(source, chunk);
  if (!samples) return Unexpected(samples.error());
  const SampleInfo& first = samples->front();
  return ByteRange{chunk.offset, first.offset + first.size - chunk.offset};
}

}  // namespace

Result<SegmentView> read_segment(const Source& source, uint64_t offset, uint64_t length) {
  if (offset > source.size || length > source.size - offset)
    return Unexpected("the segment reaches beyond the end");
  const Source segment{source.read, offset + length};
  ChunkWalker walker(segment, offset);
  SegmentView view;
  size_t count = 0;
  while (const std::optional<ChunkInfo> chunk = walker.next()) {
    if (++count > kMaxSegmentChunks)
      return Unexpected("more than " + std::to_string(kMaxSegmentChunks) + " chunks");
    if (chunk->track_id == kAudioTrackId) add(view.audio, *chunk);
    if (chunk->track_id != kVideoTrackId) continue;
    if (view.video.chunks.empty() && chunk->first_is_sync) {
      Result<ByteRange> key_frame = first_sample(segment, *chunk);
      if (!key_frame) return Unexpected(key_frame.error());
      view.key_frame = *key_frame;
    }
    add(view.video, *chunk);
  }
  if (walker.end() != WalkEnd::complete) return Unexpected(walker.reason());
  return view;
}

Result<ByteVector> single_track_init(Bytes init, codec::Kind kind) {
  Result<InitInfo> info = read_init(source_of(init));
  if (!info) return Unexpected(info.error());
  Presentation& presentation = info->presentation;
  const bool video = kind == codec::Kind::video;
  if (video ? !presentation.video : !presentation.audio)
    return Unexpected("the init segment has no such track");
  (video ? presentation.audio : presentation.video).reset();
  return init_segment(presentation);
}

}  // namespace headgate::fmp4
