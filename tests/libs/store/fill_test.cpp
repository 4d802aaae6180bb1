// SPDX-License-Identifier: LGPL-2.1-or-later
// What players are given between two runs: the last picture under the numbers that follow, and the archive as
// if there were none.
#include <base/encoding.h>
#include <base/io.h>
#include <base/sha256.h>
#include <fcntl.h>
#include <fmp4/reader.h>
#include <fmp4/views.h>
#include <playlist/rendition.h>
#include <playlist/stream_index.h>
#include <store/derived.h>
#include <store/fill.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <utility>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

constexpr int64_t kSecond = 1'000'000, kTicks = playlist::kTimescale;

class FillTest : public ArchiveTest {
 protected:
  // A run of so many half seconds, which has ended.
  std::string play(int parts, const test::SyntheticSettings& media = {}) {
    RunInfo promised = info();
    promised.max_part_ms = 550;
    promised.max_segment_ms = 4000;
    session_ = open(disk_ ? disk_ : disk_ = volume(), promised, media);
    write(*session_, parts);
    session_->writer->end("disconnect");
    return session_->writer->name();
  }
  Result<std::unique_ptr<FillWriter>> start(const std::string& run) {
    FillSettings settings{directory_.path(), "n01", kEvent, kStation, run, slates_, most_bytes_};
    return FillWriter::start(
        settings,
        [this](const std::string& rendition, const Record& record) { told_[rendition].push_back(record); },
        clock_);
  }
  std::unique_ptr<FillWriter> must_start(const std::string& run) {
    auto fill = start(run);
    EXPECT_TRUE(fill) << fill.error().message;
    return fill ? *std::move(fill) : nullptr;
  }
  const Records& source() { return told_["fill"]; }
  // The samples of a track in what was told.
  std::vector<ByteVector> samples(const playlist::SegmentRecord& segment, uint32_t track) {
    const std::string path = directory_.path() + "/" + segment.file;
    auto file = open_file(std::filesystem::exists(path) ? path : path + ".part", O_RDONLY);
    EXPECT_TRUE(file) << file.error().message;
    if (!file) return {};
    const auto read = fmp4::source_of_file(file->get());
    std::vector<ByteVector> out;
    fmp4::ChunkWalker walker(*read, segment.offset);
    while (walker.position() < segment.offset + segment.length) {
      const auto chunk = walker.next();
      if (!chunk) break;
      if (chunk->track_id != track) continue;
      const auto told = fmp4::read_samples(*read, *chunk);
      for (const auto& sample : *told) out.push_back(*pread_exact(file->get(), sample.offset, sample.size));
    }
    return out;
  }
  // A rendition of the source's last segments: sound alone, of one channel.
  void write_rung(const char* name, uint64_t msn, const fmp4::Presentation& presentation, ByteVector data) {
    auto disk = *Volume::open(derived_volume(directory_.path(), name, "n01", 0), clock_);
    RunInfo of = info();
    of.position = RunPosition{msn, 0, 0, session_->writer->name()};
    auto writer = *RunWriter::open(disk, of, {})->take(nullptr);
    ASSERT_TRUE(writer->begin(presentation));
    std::vector<fmp4::AccessUnit> units(1);
    units[0].kind = presentation.video ? codec::Kind::video : codec::Kind::audio;
    units[0].key = true;
    units[0].duration = 1024;
    units[0].data = data;
    auto part = fmp4::single_track_part(presentation.video ? *presentation.video : *presentation.audio,
                                        std::move(units), 1, true, true);
    ASSERT_TRUE(part) << part.error().message;
    ASSERT_TRUE(writer->write(*part));
    writer->end("source");
  }

  std::shared_ptr<Volume> disk_;
  std::unique_ptr<Session> session_;
  std::string slates_;
  uint64_t most_bytes_ = kMaxFillBytes;
  std::map<std::string, Records> told_;  // by rendition
};

TEST_F(FillTest, GoesOnWhereTheRunEnded) {
  const std::string run = play(11);
  const auto of_run = only<playlist::SegmentRecord>(session_->told);
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  clock_.advance_us(5 * kSecond);
  ASSERT_TRUE(fill->advance());

  const auto runs = only<playlist::RunRecord>(source());
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].first_msn, of_run.back().msn + 1);
  EXPECT_EQ(runs[0].discontinuity_sequence, 1u);
  EXPECT_EQ(runs[0].max_part_ms, 550u);
  EXPECT_EQ(runs[0].max_segment_ms, 4000u);
  EXPECT_TRUE(playlist::is_later_run(runs[0].run, run));
  // The same decoder configurations, byte by byte.
  ASSERT_EQ(only<playlist::InitRecord>(source()).size(), 1u);
  EXPECT_EQ(only<playlist::InitRecord>(source())[0].id, only<playlist::InitRecord>(session_->told)[0].id);

  const auto segments = only<playlist::SegmentRecord>(source());
  int64_t end = of_run.back().pts + of_run.back().duration;
  EXPECT_LT(segments.front().pts - end, 3600);
  end = segments.front().pts;
  uint64_t msn = runs[0].first_msn;
  for (const auto& segment : segments) {
    EXPECT_EQ(segment.msn, msn++);
    EXPECT_EQ(segment.pts, end);
    EXPECT_EQ(segment.duration, kTicks);
    EXPECT_TRUE(segment.independent);
    EXPECT_TRUE(segment.file.starts_with("derived/fill/lta/")) << segment.file;
    end += segment.duration;
  }
  // As far as the clock is, and a little further.
  EXPECT_GT(end - segments.front().pts, 5 * kTicks);
  EXPECT_LE(end - segments.front().pts, 5 * kTicks + kFillAheadMs * 90);
  for (const auto& part : only<playlist::PartRecord>(source())) {
    EXPECT_EQ(part.duration, kTicks / 2);
    EXPECT_TRUE(part.independent);
    EXPECT_EQ(part.chunks.size(), 2u);
  }
  expect_sound();
}

TEST_F(FillTest, ShowsTheLastKeyFrameInSilence) {
  const std::string run = play(11);
  ByteVector picture;
  for (const auto& segment : only<playlist::SegmentRecord>(session_->told))
    for (const auto& sample : samples(segment, fmp4::kVideoTrackId))
      if ((sample[4] & std::byte{0x1f}) == std::byte{5}) picture = sample;
  ASSERT_FALSE(picture.empty());
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  clock_.advance_us(3 * kSecond);
  ASSERT_TRUE(fill->advance());
  size_t sounds = 0;
  for (const auto& segment : only<playlist::SegmentRecord>(source())) {
    const auto pictures = samples(segment, fmp4::kVideoTrackId);
    EXPECT_EQ(pictures.size(), 2u);
    for (const auto& sample : pictures) EXPECT_EQ(sample, picture);
    for (const auto& sample : samples(segment, fmp4::kAudioTrackId)) {
      EXPECT_EQ(to_hex(sample), "21000000001c");
      ++sounds;
    }
  }
  // 48,000 samples a second, without a hole.
  const size_t seconds = only<playlist::SegmentRecord>(source()).size();
  EXPECT_NEAR(static_cast<double>(sounds), static_cast<double>(seconds) * 46.875, 1.0);
}

TEST_F(FillTest, TheNextRunGoesOnBehindIt) {
  for (const bool from_disk : {false, true}) {
    told_.clear();
    const std::string run = play(7);
    const auto last = only<playlist::PartRecord>(session_->told).back();
    auto fill = must_start(run);
    ASSERT_TRUE(fill);
    clock_.advance_us(9 * kSecond);
    ASSERT_TRUE(*fill->advance());
    const auto filled = only<playlist::SegmentRecord>(source());
    if (from_disk) {  // as another process finds it
      session_.reset();
      disk_.reset();
    }
    play(5);
    const auto next = only<playlist::RunRecord>(session_->told).front();
    EXPECT_EQ(next.first_msn, filled.back().msn + 1);
    EXPECT_EQ(next.discontinuity_sequence, only<playlist::RunRecord>(source())[0].discontinuity_sequence + 1);
    EXPECT_GE(only<playlist::PartRecord>(session_->told).front().pts,
              filled.back().pts + filled.back().duration);
    // The archive's gap is all of the time in which nothing came.
    const auto gaps = only<playlist::GapRecord>(session_->told);
    ASSERT_EQ(gaps.size(), 1u);
    EXPECT_EQ(gaps[0].from_pts, last.pts + last.duration);
    // Nothing comes any more.
    const size_t told = source().size();
    clock_.advance_us(5 * kSecond);
    const auto goes_on = fill->advance();
    ASSERT_TRUE(goes_on) << goes_on.error().message;
    EXPECT_FALSE(*goes_on);
    fill.reset();
    EXPECT_EQ(source().size(), told);
    // One playlist, number by number.
    expect_sound();
  }
}

TEST_F(FillTest, PlaylistsListBothRunsAndWhatIsBetween) {
  playlist::StreamIndex index;
  const std::string run = play(8);
  for (const Record& record : session_->told) index.add(record);
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  clock_.advance_us(4 * kSecond);
  ASSERT_TRUE(fill->advance());
  for (const Record& record : source()) index.add(record);
  play(8);
  for (const Record& record : session_->told) index.add(record);
  uint64_t msn = 0, discontinuity = 0;
  for (const auto& segment : index.segments()) {
    EXPECT_EQ(segment.record.msn, msn++);
    EXPECT_TRUE(segment.continues) << segment.record.msn;
    discontinuity = segment.discontinuity_sequence;
  }
  EXPECT_EQ(discontinuity, 2u);
  EXPECT_EQ(index.epoch(), 0u);
  // Dates grow, though fill was ahead of the clock.
  for (size_t i = 1; i < index.segments().size(); ++i) {
    const playlist::Segment &before = index.segments()[i - 1], &now = index.segments()[i];
    EXPECT_GE(now.program_utc_us, before.program_utc_us + before.record.duration * 100 / 9 - 1000) << i;
  }
  const auto run_after = only<playlist::RunRecord>(session_->told).front();
  EXPECT_GT(run_after.dated_from_us, only<playlist::SegmentRecord>(session_->told).front().utc_us);
  // As from the disk, where the archive has the times of receipt.
  EXPECT_EQ(only<playlist::RunRecord>(read(run_after.run)).front(), run_after);
}

TEST_F(FillTest, ARunWithoutMediaChangesNothing) {
  play(6);
  const std::string first = session_->writer->name();
  {
    auto fill = must_start(first);
    ASSERT_TRUE(fill);
    clock_.advance_us(2 * kSecond);
    ASSERT_TRUE(fill->advance());
  }
  const auto before = only<playlist::SegmentRecord>(source()).back();
  const std::string empty = play(0);
  told_.clear();
  auto fill = must_start(empty);
  ASSERT_TRUE(fill);
  clock_.advance_us(2 * kSecond);
  ASSERT_TRUE(fill->advance());
  EXPECT_EQ(only<playlist::SegmentRecord>(source()).front().msn, before.msn + 1);
  EXPECT_GE(only<playlist::SegmentRecord>(source()).front().pts, before.pts + before.duration);
  expect_sound();
}

TEST_F(FillTest, OnlyBehindTheLastRun) {
  const std::string old = play(4);
  clock_.advance_us(kSecond);
  play(4);
  const auto fill = start(old);
  ASSERT_FALSE(fill);
  EXPECT_EQ(fill.error().code, ECANCELED);
  EXPECT_TRUE(told_.empty());
}

TEST_F(FillTest, NothingIsToldOfWhatCannotBeMade) {
  const auto fill = start(play(0));
  ASSERT_FALSE(fill);
  EXPECT_EQ(fill.error().code, ENODATA);
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/derived"));
}

TEST_F(FillTest, SoundAloneAndPicturesAlone) {
  for (const bool video : {true, false}) {
    told_.clear();
    test::SyntheticSettings media;
    (video ? media.audio : media.video) = false;
    auto fill = must_start(play(6, media));
    ASSERT_TRUE(fill);
    clock_.advance_us(3 * kSecond);
    ASSERT_TRUE(fill->advance());
    const auto segments = only<playlist::SegmentRecord>(source());
    ASSERT_GE(segments.size(), 3u);
    EXPECT_EQ(samples(segments[0], fmp4::kVideoTrackId).empty(), !video);
    EXPECT_EQ(samples(segments[0], fmp4::kAudioTrackId).empty(), video);
    clock_.advance_us(kSecond);
  }
}

TEST_F(FillTest, RenditionsThatWereEncodedAreFilledToo) {
  const std::string run = play(8);
  const uint64_t last = only<playlist::SegmentRecord>(session_->told).back().msn;
  fmp4::Presentation sound, picture, still;
  sound.audio = *codec::track_from_asc(*from_hex("1188"));  // 48 kHz, one channel
  picture.video = session_->media->presentation().video;
  still.video = *codec::mjpeg_track(320, 180);
  write_rung("audio-64k", last, sound, ByteVector(20));
  write_rung("360p", last, picture, ByteVector(50, std::byte{7}));
  write_rung("pictures", last, still, ByteVector(30));
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  clock_.advance_us(4 * kSecond);
  ASSERT_TRUE(fill->advance());
  EXPECT_EQ(told_.count("fill-pictures"), 0u);
  const auto of_source = only<playlist::SegmentRecord>(source());
  for (const char* name : {"fill-audio-64k", "fill-360p"}) {
    const auto segments = only<playlist::SegmentRecord>(told_[name]);
    ASSERT_EQ(segments.size(), of_source.size()) << name;
    for (size_t i = 0; i < segments.size(); ++i) {
      EXPECT_EQ(segments[i].msn, of_source[i].msn);
      EXPECT_NEAR(static_cast<double>(segments[i].pts), static_cast<double>(of_source[i].pts), 1024 * 2)
          << name;
    }
  }
  EXPECT_EQ(samples(only<playlist::SegmentRecord>(told_["fill-360p"])[0], fmp4::kVideoTrackId)[0],
            ByteVector(50, std::byte{7}));
}

TEST_F(FillTest, ARenditionThatStoodStillIsNot) {
  const std::string run = play(40);
  fmp4::Presentation sound;
  sound.audio = *codec::track_from_asc(*from_hex("1188"));
  write_rung("audio-64k", 0, sound, ByteVector(20));
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  EXPECT_EQ(told_.count("fill-audio-64k"), 0u);
}

TEST_F(FillTest, APreparedPictureIsTakenWhenItFits) {
  // As a slate is made: by the same encoder, as one of our own files.
  test::SyntheticMedia made({.audio = false, .seed = 99}, 0, 0);
  auto init = *fmp4::init_segment(made.presentation());
  const fmp4::Part part = made.next();
  ByteVector file = init;
  for (const iovec& span : part.spans) {
    const auto* bytes = static_cast<const std::byte*>(span.iov_base);
    file.insert(file.end(), bytes, bytes + span.iov_len);
  }
  const ByteVector picture(part.frames[0].data.begin(), part.frames[0].data.end());
  slates_ = directory_.path() + "/slates";
  ASSERT_TRUE(make_directories(slates_));
  const std::string name = to_hex(sha256(made.presentation().video->config)).substr(0, 16) + ".mp4";
  ASSERT_TRUE(replace_file(slates_ + "/" + name, file));
  for (const bool fits : {true, false}) {
    told_.clear();
    test::SyntheticSettings media;
    media.other_config = !fits;
    if (!fits) {  // told to be what it is not
      const auto other = test::SyntheticMedia(media, 0, 0).presentation().video->config;
      std::filesystem::copy(slates_ + "/" + name,
                            slates_ + "/" + to_hex(sha256(other)).substr(0, 16) + ".mp4");
    }
    auto fill = must_start(play(6, media));
    ASSERT_TRUE(fill);
    clock_.advance_us(2 * kSecond);
    ASSERT_TRUE(fill->advance());
    const auto segments = only<playlist::SegmentRecord>(source());
    EXPECT_EQ(samples(segments[0], fmp4::kVideoTrackId)[0] == picture, fits);
    clock_.advance_us(kSecond);
  }
}

TEST_F(FillTest, APreparedPictureThatIsTooLargeIsPassedOver) {
  test::SyntheticMedia made({.audio = false}, 0, 0);
  const ByteVector picture(kMaxFillBytesPerSecond / 2 + 1);
  std::vector<fmp4::AccessUnit> units(1);
  units[0].key = true;
  units[0].duration = 3600;
  units[0].data = picture;
  const auto part = fmp4::single_track_part(*made.presentation().video, std::move(units), 1, true, true);
  ASSERT_TRUE(part) << part.error().message;
  ByteVector file = *fmp4::init_segment(made.presentation());
  for (const iovec& span : part->spans) {
    const auto* bytes = static_cast<const std::byte*>(span.iov_base);
    file.insert(file.end(), bytes, bytes + span.iov_len);
  }
  slates_ = directory_.path() + "/slates";
  ASSERT_TRUE(make_directories(slates_));
  const std::string name = to_hex(sha256(made.presentation().video->config)).substr(0, 16) + ".mp4";
  ASSERT_TRUE(replace_file(slates_ + "/" + name, file));
  auto fill = must_start(play(6));
  ASSERT_TRUE(fill);
  ASSERT_TRUE(fill->advance());
  EXPECT_LT(samples(only<playlist::SegmentRecord>(source()).at(0), fmp4::kVideoTrackId).at(0).size(),
            10'000u);
}

TEST_F(FillTest, AStreamOfTooLargePicturesGetsNone) {
  test::SyntheticSettings media;
  media.video_bytes = kMaxFillBytesPerSecond / 4;  // a key frame has four times as many, about
  const auto fill = start(play(2, media));
  ASSERT_FALSE(fill);
  EXPECT_EQ(fill.error().code, EFBIG) << fill.error().message;
  EXPECT_TRUE(told_.empty());
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/derived"));
}

TEST_F(FillTest, ARenditionOfTooLargePicturesGetsNone) {
  const std::string run = play(8);
  const uint64_t last = only<playlist::SegmentRecord>(session_->told).back().msn;
  fmp4::Presentation picture;
  picture.video = session_->media->presentation().video;
  // Twice a second.
  write_rung("360p", last, picture, ByteVector(kMaxFillBytesPerSecond / 2));
  write_rung("720p", last, picture, ByteVector(kMaxFillBytesPerSecond / 2 + 1));
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  ASSERT_TRUE(fill->advance());
  EXPECT_FALSE(only<playlist::SegmentRecord>(source()).empty());
  EXPECT_FALSE(only<playlist::SegmentRecord>(told_["fill-360p"]).empty());
  EXPECT_EQ(told_.count("fill-720p"), 0u);
}

TEST_F(FillTest, EndsWhenSoMuchIsWritten) {
  most_bytes_ = 50'000;
  const std::string run = play(6);
  auto fill = must_start(run);
  ASSERT_TRUE(fill);
  uint64_t bytes = 0, previous = 0;
  Result<bool> goes_on = true;
  for (int i = 0; i < 60 && goes_on; ++i) {
    clock_.advance_us(kSecond);
    goes_on = fill->advance();
    previous = std::exchange(bytes, 0);
    for (const auto& segment : only<playlist::SegmentRecord>(source())) bytes += segment.length;
  }
  ASSERT_FALSE(goes_on);
  EXPECT_EQ(goes_on.error().code, EFBIG) << goes_on.error().message;
  // It ended with the segment that reached it, and nothing came after.
  const auto filled = only<playlist::SegmentRecord>(source());
  EXPECT_EQ(bytes, previous);
  EXPECT_GE(bytes, most_bytes_);
  EXPECT_LT(bytes - filled.back().length, most_bytes_);
  fill->end("failed");
  play(5);
  EXPECT_EQ(only<playlist::RunRecord>(session_->told).front().first_msn, filled.back().msn + 1);
  expect_sound();
}

TEST_F(FillTest, IsKeptForADay) {
  auto fill = must_start(play(6));
  ASSERT_TRUE(fill);
  EXPECT_EQ(read_text(directory_.path() + "/derived/fill/keep-ms"), std::to_string(kFillKeepMs) + "\n");
}

}  // namespace
}  // namespace headgate::store
