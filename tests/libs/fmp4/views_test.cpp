// SPDX-License-Identifier: LGPL-2.1-or-later
// One track out of two: against what was pushed, and against what a packager of that track alone writes.
#include <fmp4/views.h>

#include "packager_fixture.h"

namespace headgate::fmp4 {
namespace {

using ViewsTest = PackagerTest;

ByteVector bytes_of(const ByteVector& file, const std::vector<ByteRange>& ranges) {
  ByteVector out;
  for (const ByteRange& range : ranges) {
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(range.offset);
    out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(range.length));
  }
  return out;
}

// Samples of each chunk: number, and their payload.
struct Found {
  uint32_t samples = 0;
  uint64_t first_time = 0, end = 0;
};
Found samples_of(const ByteVector& bytes, uint32_t track_id) {
  const Source source = source_of(bytes);
  ChunkWalker walker(source, 0);
  Found found;
  while (const std::optional<ChunkInfo> chunk = walker.next()) {
    EXPECT_EQ(chunk->track_id, track_id);
    if (found.samples == 0) found.first_time = chunk->decode_time;
    EXPECT_TRUE(found.samples == 0 || chunk->decode_time == found.end);
    found.samples += chunk->samples;
    found.end = chunk->decode_time + chunk->duration;
  }
  EXPECT_EQ(walker.end(), WalkEnd::complete) << walker.reason();
  return found;
}

TEST_F(ViewsTest, EachTrackIsItsChunks) {
  start(true, true);
  both(0, 2200);
  flush();
  const uint64_t init = read_init(source_of(file_))->length;
  const Result<SegmentView> view = read_segment(source_of(file_), init, file_.size() - init);
  ASSERT_TRUE(view) << view.error().message;
  EXPECT_GT(view->video.chunks.size(), 3u) << "one for each part";
  EXPECT_EQ(view->video.bytes + view->audio.bytes, file_.size() - init);
  const ByteVector video = bytes_of(file_, view->video.chunks), audio = bytes_of(file_, view->audio.chunks);
  EXPECT_EQ(video.size(), view->video.bytes);
  const Found pictures = samples_of(video, kVideoTrackId), sound = samples_of(audio, kAudioTrackId);
  EXPECT_EQ(pictures.samples, 55u);
  EXPECT_EQ(view->video.start, 0);
  EXPECT_EQ(view->video.end, 55 * kFrame);
  EXPECT_EQ(static_cast<int64_t>(pictures.end), view->video.end);
  EXPECT_EQ(view->audio.start, static_cast<int64_t>(sound.first_time));
  EXPECT_EQ(view->audio.end, static_cast<int64_t>(sound.end));
  EXPECT_EQ(view->audio.end, sound.samples * kAudioFrame);
}

TEST_F(ViewsTest, TheKeyFrameEndsWithItsPicture) {
  start(true, true);
  both(0, 2100);
  flush();
  const uint64_t init = read_init(source_of(file_))->length;
  const Result<SegmentView> view = read_segment(source_of(file_), init, file_.size() - init);
  ASSERT_TRUE(view);
  ASSERT_GT(view->key_frame.length, 1000u);
  EXPECT_EQ(view->key_frame.offset, view->video.chunks.front().offset);
  const uint64_t moof = ByteReader(Bytes(file_).subspan(view->key_frame.offset)).u32();
  EXPECT_EQ(view->key_frame.length, moof + 8 + 1000) << "moof, the mdat's header, the first sample";
}

TEST_F(ViewsTest, NeighboursAreOneRange) {
  start(true, false);
  for (int frame = 0; frame < 60; ++frame) video(frame);
  flush();
  const uint64_t init = read_init(source_of(file_))->length;
  const Result<SegmentView> view = read_segment(source_of(file_), init, file_.size() - init);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->video.chunks, (std::vector<ByteRange>{{init, file_.size() - init}}));
  EXPECT_EQ(view->audio, TrackView());
}

TEST_F(ViewsTest, WithoutAKeyFrameAtItsBeginning) {
  start(true, false);
  for (int frame = 1; frame < 30; ++frame) video(frame);
  flush();
  const uint64_t init = read_init(source_of(file_))->length;
  const Result<SegmentView> view = read_segment(source_of(file_), init, file_.size() - init);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->key_frame, ByteRange());
  EXPECT_FALSE(view->video.chunks.empty());
}

TEST_F(ViewsTest, OtherBoxesBelongToNoTrack) {
  start(true, true);
  both(0, 900);
  flush();
  const uint64_t init = read_init(source_of(file_))->length;
  const SegmentView before = read_segment(source_of(file_), init, file_.size() - init).value();
  ByteVector box;
  ByteWriter out(box);
  out.u32(24);
  out.text("uuid0123456789abcdef");
  file_.insert(file_.begin() + static_cast<std::ptrdiff_t>(init), box.begin(), box.end());
  const SegmentView after = read_segment(source_of(file_), init, file_.size() - init).value();
  EXPECT_EQ(after.video.bytes, before.video.bytes);
  EXPECT_EQ(after.key_frame.offset, before.key_frame.offset + box.size());
  EXPECT_EQ(after.audio.chunks.front().offset, before.audio.chunks.front().offset + box.size());
}

TEST_F(ViewsTest, WhatIsNoSegmentIsRefused) {
  start(true, true);
  both(0, 900);
  flush();
  const uint64_t init = read_init(source_of(file_))->length, length = file_.size() - init;
  const Source source = source_of(file_);
  EXPECT_TRUE(read_segment(source, init, length));
  EXPECT_FALSE(read_segment(source, init, length - 1));
  EXPECT_FALSE(read_segment(source, init, length + 1));
  EXPECT_FALSE(read_segment(source, init + 1, length - 1));
  EXPECT_FALSE(read_segment(source, 0, file_.size()));
  EXPECT_FALSE(read_segment(source, UINT64_MAX, 2));
  file_[init + 4] ^= std::byte{1};
  EXPECT_FALSE(read_segment(source, init, length));
}

TEST(SingleTrackInit, IsThatOfTheTrackAlone) {
  const Presentation both{video_track(), audio_track()};
  const ByteVector init = init_segment(both).value();
  EXPECT_EQ(single_track_init(init, Kind::video).value(), init_segment({both.video, {}}).value());
  EXPECT_EQ(single_track_init(init, Kind::audio).value(), init_segment({{}, both.audio}).value());
  const ByteVector video = init_segment({both.video, {}}).value();
  EXPECT_EQ(single_track_init(video, Kind::video).value(), video);
  EXPECT_FALSE(single_track_init(video, Kind::audio));
  EXPECT_FALSE(single_track_init(Bytes(init).first(init.size() - 1), Kind::audio));
  EXPECT_FALSE(single_track_init({}, Kind::audio));
}

}  // namespace
}  // namespace headgate::fmp4
