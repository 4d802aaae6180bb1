// SPDX-License-Identifier: LGPL-2.1-or-later
// A rung beside its source: the same numbers and times, whatever the encoder does.
#include <base/io.h>
#include <fcntl.h>
#include <fmp4/reader.h>
#include <store/derived.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <semaphore>

#include "archive_fixture.h"
#include "retention.h"

namespace headgate::store {
namespace {

constexpr int64_t kFrameNs = 40'000'000, kFrameTicks = 3600;
constexpr char kRung[] = "720p";

template <typename T>
std::vector<T> only(const Records& records) {
  std::vector<T> out;
  for (const Record& record : records)
    if (auto* wanted = std::get_if<T>(&record)) out.push_back(*wanted);
  return out;
}

// A source of 25 frames a second with a key frame each second, and an encoder of the same pictures.
class DerivedTest : public ArchiveTest {
 protected:
  void open_source(uint32_t max_part_ms = 0) {
    source_disk_ = source_disk_ ? source_disk_ : volume();
    RunInfo promised = info();
    promised.max_part_ms = max_part_ms;
    session_ = open(source_disk_, promised);
    // The source's pictures are shown a frame after they are decoded (synthetic_media.cpp); its running time
    // begins with the first one decoded.
    shift_ns_ = -running_ns_;
    tell_source();
    derived_->set_time({session_->writer->timeline_offset(), shift_ns_});
  }
  void tell_source() {
    for (; told_ < session_->told.size(); ++told_) derived_->add(session_->told[told_]);
  }
  // The source's next parts, and an encoder that is `late` frames behind them.
  void play(int parts, int64_t late = 8) {
    for (int i = 0; i < parts; ++i) {
      write(*session_, 1);
      const auto& part = std::get<playlist::PartRecord>(last_part());
      const int64_t end = (part.pts + part.duration - session_->writer->timeline_offset()) / kFrameTicks;
      tell_source();
      if (rung_) advance();
      encode_until(end - late);
    }
  }
  const Record& last_part() const {
    return *std::find_if(session_->told.rbegin(), session_->told.rend(), [](const Record& record) {
      return std::holds_alternative<playlist::PartRecord>(record);
    });
  }
  // Pictures of the source's present run up to this one. Picture n is shown at n + 1 frames.
  void encode_until(int64_t frame) {
    for (; frame_ < frame; ++frame_) {
      if (!rung_ || (drop_ && drop_(frame_))) continue;
      rung_->push(unit(frame_));
      advance();
    }
  }
  DerivedUnit unit(int64_t frame) {
    DerivedUnit out;
    auto* bytes = new ByteVector(200, std::byte{0x41});
    out.pts_ns = (frame + 1) * kFrameNs - shift_ns_ + off_ns_;
    out.dts_ns = out.pts_ns - delay_ns_;
    out.key = frame % 25 == 0 && !(no_key_ && no_key_(frame));
    out.duration = 3600;
    out.data = *bytes;
    out.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
    return out;
  }
  // So many seconds of sound, in frames of 1024 samples.
  void push_audio(int seconds, const std::function<bool(int64_t)>& lost = nullptr) {
    for (int64_t i = 0; i < seconds * 48000 / 1024; ++i) {
      if (lost && lost(i)) continue;
      DerivedUnit one;
      auto* bytes = new ByteVector(100, std::byte{1});
      one.dts_ns = one.pts_ns = i * 1024 * 1'000'000'000 / 48000 - shift_ns_;
      one.duration = 1024;
      one.data = *bytes;
      one.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
      rung_->push(std::move(one));
    }
  }
  void advance() {
    auto advanced = rung_->advance();
    if (!advanced) error_ = advanced.error();
  }
  void start_rung(const std::string& name = kRung) {
    if (!disk_) {
      auto settings = derived_volume(directory_.path(), name, "n01", 0);
      settings.min_free_bytes = 1024 * 1024;
      disk_ = *Volume::open(settings, clock_);
    }
    DerivedSettings settings;
    settings.event = kEvent;
    settings.station = kStation;
    settings.rendition = name;
    rung_ = DerivedWriter::start(
        disk_, derived_, settings, [this](const Record& record) { rung_told_.push_back(record); },
        [opened = opened_] { opened->release(); });
    rung_->configure(*test::SyntheticMedia({.other_config = true}, 0, 0).presentation().video);
  }
  // A run is being opened, and everything waits for it.
  void settle() {
    ASSERT_TRUE(opened_->try_acquire_for(std::chrono::seconds(30)));
    advance();
  }
  std::vector<playlist::SegmentRecord> of_source() const {
    return only<playlist::SegmentRecord>(session_->told);
  }
  std::vector<playlist::SegmentRecord> of_rung() const { return only<playlist::SegmentRecord>(rung_told_); }
  std::string disk_root() const { return directory_.path() + "/derived/" + kRung; }
  std::vector<uint64_t> numbers() const {
    std::vector<uint64_t> out;
    for (const auto& segment : of_rung()) out.push_back(segment.msn);
    return out;
  }
  void expect_aligned() const {
    const auto source = of_source();
    for (const auto& segment : of_rung()) {
      const auto same =
          std::find_if(source.begin(), source.end(), [&](const auto& one) { return one.msn == segment.msn; });
      ASSERT_NE(same, source.end()) << segment.msn;
      EXPECT_EQ(segment.pts, same->pts) << segment.msn;
      EXPECT_EQ(segment.duration, same->duration) << segment.msn;
      EXPECT_EQ(segment.utc_us, same->utc_us) << segment.msn;
    }
  }

  std::shared_ptr<Volume> source_disk_, disk_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<DerivedSource> derived_ = std::make_shared<DerivedSource>();
  Records rung_told_;
  std::unique_ptr<DerivedWriter> rung_;
  size_t told_ = 0;
  int64_t frame_ = 0, shift_ns_ = 0, running_ns_ = 0, off_ns_ = 0, delay_ns_ = 0;
  std::function<bool(int64_t)> drop_, no_key_;
  std::optional<Error> error_;
  std::shared_ptr<std::counting_semaphore<>> opened_ = std::make_shared<std::counting_semaphore<>>(0);
};

TEST_F(DerivedTest, HasTheSourcesNumbersAndTimes) {
  open_source();
  start_rung();
  play(24);
  encode_until(400);
  settle();
  session_->writer->end("unpublish");
  tell_source();
  ASSERT_TRUE(rung_->drain());
  ASSERT_EQ(of_rung().size(), of_source().size());
  expect_aligned();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  const auto source_parts = only<playlist::PartRecord>(session_->told);
  ASSERT_EQ(parts.size(), source_parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].msn, source_parts[i].msn);
    EXPECT_EQ(parts[i].index, source_parts[i].index);
    EXPECT_EQ(parts[i].pts, source_parts[i].pts);
    EXPECT_EQ(parts[i].independent, source_parts[i].independent);
    EXPECT_EQ(parts[i].file.rfind("derived/720p/lta/7/st/", 0), 0u) << parts[i].file;
  }
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "unpublish");
  EXPECT_EQ(rung_->behind_ms(), 0);
}

// What the records name is there: an init segment and chunks whose times are the source's.
TEST_F(DerivedTest, WritesWhatItTells) {
  open_source();
  start_rung();
  play(16);
  encode_until(400);
  settle();
  disk_->commit();
  const auto init = only<playlist::InitRecord>(rung_told_).at(0);
  EXPECT_EQ(init.codecs.rfind("avc1.", 0), 0u) << init.codecs;
  EXPECT_EQ(init.width, 640u);
  EXPECT_EQ(init.channels, 0u);
  auto file = open_file(directory_.path() + "/" + init.file + ".part", O_RDONLY);
  ASSERT_TRUE(file) << file.error().message;
  auto source = fmp4::source_of_file(file->get());
  ASSERT_TRUE(source);
  auto read = fmp4::read_init(*source);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_FALSE(read->presentation.audio);
  for (const auto& part : only<playlist::PartRecord>(rung_told_)) {
    fmp4::ChunkWalker walker(*source, part.chunks.at(0).offset);
    auto chunk = walker.next();
    ASSERT_TRUE(chunk) << walker.reason();
    EXPECT_EQ(static_cast<int64_t>(chunk->decode_time), part.pts);
    EXPECT_EQ(static_cast<int64_t>(chunk->duration), part.duration);
    EXPECT_EQ(chunk->first_is_sync, part.independent);
  }
  // And can be read back from what was committed, as a run of its own volume.
  const auto runs = list_runs(disk_root(), kEvent, kStation);
  ASSERT_EQ(runs.size(), 1u);
  auto records = read_run(disk_root(), kEvent, kStation, runs[0]);
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->writing);
  EXPECT_EQ(only<playlist::SegmentRecord>(records->records).size(), of_rung().size());
}

// Its first segment is the first that it has from the source's first picture on.
TEST_F(DerivedTest, StartsWithTheNextSegment) {
  open_source();
  play(10);
  start_rung();
  play(14);
  encode_until(400);
  settle();
  EXPECT_EQ(numbers().at(0), 3u);
  EXPECT_EQ(only<playlist::RunRecord>(rung_told_).at(0).first_msn, 3u);
  expect_aligned();
  // An encoder that is given what came since the last key frame has the segment that is being written.
  rung_.reset();
  rung_told_.clear();
  frame_ = 250;
  start_rung();
  encode_until(290);
  play(6);
  settle();
  EXPECT_EQ(numbers().at(0), 5u);
  expect_aligned();
}

// Encoders that reorder pictures give times of decoding before the picture that they begin with.
TEST_F(DerivedTest, AlignsReorderedPictures) {
  delay_ns_ = 2 * kFrameNs;
  open_source();
  start_rung();
  play(16);
  encode_until(400);
  settle();
  ASSERT_GE(of_rung().size(), 3u);
  EXPECT_EQ(numbers().at(0), 0u);
  expect_aligned();
}

// A frame rate that was made constant moves pictures by less than half of one.
TEST_F(DerivedTest, FindsPicturesThatAreAtNearlyTheSameTime) {
  for (const int64_t off_ns : {-19'000'000, 19'000'000}) {
    off_ns_ = off_ns;
    open_source();
    start_rung();
    const int64_t first = frame_;
    play(16);
    encode_until(first + 400);
    settle();
    session_->writer->end("unpublish");
    tell_source();
    ASSERT_TRUE(rung_->drain());
    ASSERT_EQ(of_rung().size(), of_source().size());
    const auto source = of_source();
    for (size_t i = 0; i < source.size(); ++i) {
      EXPECT_EQ(of_rung()[i].msn, source[i].msn);
      EXPECT_NEAR(of_rung()[i].pts, source[i].pts, 90 * kBoundarySlackMs);
    }
    rung_.reset();
    session_.reset();
    rung_told_.clear();
    derived_ = std::make_shared<DerivedSource>();
    told_ = 0;
    frame_ = 0;
  }
}

TEST_F(DerivedTest, LeavesOutSegmentsThatItHasNotFromTheirFirstPictureOn) {
  open_source();
  start_rung();
  // Nothing from 4.2 s to 6.6 s: segments 2 and 3 are not whole.
  drop_ = [](int64_t frame) { return frame >= 105 && frame < 165; };
  play(30);
  encode_until(400);
  settle();
  const auto written = numbers();
  ASSERT_GE(written.size(), 6u);
  // What there is of segment 2 was told as parts before the rest was missing.
  EXPECT_EQ(written, (std::vector<uint64_t>{0, 1, 2, 4, 5, 6}));
  EXPECT_LT(of_rung()[2].duration, of_source()[2].duration);
  EXPECT_GT(rung_->stats().dropped_units, 0u);
  rung_told_.erase(std::find_if(rung_told_.begin(), rung_told_.end(), [](const Record& record) {
    const auto* segment = std::get_if<playlist::SegmentRecord>(&record);
    return segment != nullptr && segment->msn == 2;
  }));
  expect_aligned();
}

// Where the rung has no key frame it goes on, and says so; it does not begin there.
TEST_F(DerivedTest, GoesOnWithoutAKeyFrame) {
  open_source();
  start_rung();
  no_key_ = [](int64_t frame) { return frame == 0 || frame == 100; };
  play(26);
  encode_until(400);
  settle();
  const auto segments = of_rung();
  ASSERT_GE(segments.size(), 4u);
  EXPECT_EQ(segments[0].msn, 1u);
  EXPECT_TRUE(segments[0].independent);
  EXPECT_EQ(segments[1].msn, 2u);
  EXPECT_FALSE(segments[1].independent);
  EXPECT_TRUE(segments[2].independent);
  expect_aligned();
}

TEST_F(DerivedTest, StopsAndStartsAgain) {
  open_source();
  start_rung();
  play(9);
  encode_until(100);
  settle();
  rung_->end("paused");
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "paused");
  rung_.reset();
  play(10);
  start_rung();
  play(12);
  encode_until(400);
  settle();
  const auto written = numbers();
  ASSERT_GE(written.size(), 4u);
  EXPECT_EQ(written[1], 1u);
  EXPECT_EQ(written[2], 5u);
  expect_aligned();
  EXPECT_EQ(only<playlist::RunRecord>(rung_told_).size(), 2u);
}

// The source's next session: another run, behind the first, which the rung follows by itself.
TEST_F(DerivedTest, FollowsTheSourcesNextRun) {
  open_source();
  start_rung();
  play(9);
  encode_until(112);
  settle();
  session_->writer->end("disconnect");
  tell_source();
  const auto first = of_source();
  clock_.advance_us(30'000'000);
  running_ns_ = 40'000'000'000;
  told_ = 0;
  frame_ = 0;
  open_source();
  play(9);
  encode_until(112);
  settle();
  const auto runs = only<playlist::RunRecord>(rung_told_);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(only<playlist::EndRecord>(rung_told_).at(0).reason, "disconnect");
  const auto source_runs = only<playlist::RunRecord>(session_->told);
  EXPECT_EQ(runs[1].first_msn, source_runs.at(0).first_msn);
  EXPECT_EQ(runs[1].discontinuity_sequence, source_runs.at(0).discontinuity_sequence);
  const auto second = of_source();
  const auto segments = of_rung();
  ASSERT_GT(segments.size(), first.size());
  for (size_t i = 0; i + first.size() < segments.size(); ++i)
    EXPECT_EQ(segments[first.size() + i].pts, second.at(i).pts);
}

TEST_F(DerivedTest, WritesAudio) {
  open_source();
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  const auto audio = *test::SyntheticMedia({}, 0, 0).presentation().audio;
  rung_->configure(audio);
  push_audio(8);
  advance();
  settle();
  const auto segments = of_rung();
  ASSERT_GE(segments.size(), 3u);
  const auto source = of_source();
  for (size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].msn, source[i].msn);
    EXPECT_GE(segments[i].pts, source[i].pts - kBoundarySlackMs * 90);
    EXPECT_LT(segments[i].pts, source[i].pts + 2 * 1920);  // two frames of 1024 samples
  }
  EXPECT_EQ(only<playlist::InitRecord>(rung_told_).at(0).channels, 2u);
}

// Less is promised than the source's parts last, so that all but a segment's last would be too long.
TEST_F(DerivedTest, PartsOfAudioKeepTheSourcesPromise) {
  constexpr uint32_t kPromisedMs = 505;
  open_source(kPromisedMs);
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  push_audio(8);
  advance();
  settle();
  EXPECT_GT(only<playlist::PartRecord>(session_->told).at(0).duration, int64_t{kPromisedMs} * 90);
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 8u);
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (parts[i + 1].msn != parts[i].msn) continue;
    EXPECT_LE(parts[i].duration, int64_t{kPromisedMs} * 90) << i;
  }
}

// Where the source's last part of a segment is nearly as long as promised, a frame that reaches over its end
// is the next segment's.
TEST_F(DerivedTest, ASegmentsLastPartOfAudioKeepsThePromise) {
  constexpr int64_t kPromised = 550 * 90, kParts[] = {45'000, 45'000, 45'000, 49'050};
  derived_->add(playlist::RunRecord{"20260101T000000Z-n01-0001", 0, 0, 0, 4000, 550});
  derived_->set_time({0, 0});
  std::vector<int64_t> begins;
  int64_t pts = 0;
  for (uint64_t msn = 0; msn < 10; ++msn) {
    begins.push_back(pts);
    for (uint32_t i = 0; i < 4; ++i) {
      playlist::PartRecord part;
      part.msn = msn;
      part.index = i;
      part.pts = pts;
      part.duration = kParts[i];
      derived_->add(part);
      pts += part.duration;
    }
  }
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  push_audio(22);
  advance();
  settle();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 36u);
  for (const auto& part : parts) {
    EXPECT_LE(part.duration, kPromised) << part.msn << "." << part.index;
    if (part.index == 0) {
      EXPECT_LE(std::abs(part.pts - begins.at(part.msn)), kBoundarySlackMs * 90) << part.msn;
    }
  }
}

// Sound that the encoder had no time for is not bridged by a frame that makes a part too long.
TEST_F(DerivedTest, PartsOfAudioKeepThePromiseWhereSoundIsMissing) {
  constexpr uint32_t kPromisedMs = 550;
  open_source(kPromisedMs);
  play(16);  // without pictures for the rung
  start_rung("audio-64k");
  rung_->configure(*test::SyntheticMedia({}, 0, 0).presentation().audio);
  // From the end of the first segment on, where a part always ends.
  const auto first = of_source().at(1);
  const int64_t end = first.pts - session_->writer->timeline_offset();
  push_audio(8, [end](int64_t i) {
    const int64_t at = i * 1024 * 90 / 48 + 3600;
    return at > end - 2000 && at < end + 20'000;
  });
  advance();
  settle();
  const auto parts = only<playlist::PartRecord>(rung_told_);
  ASSERT_GE(parts.size(), 8u);
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_LE(parts[i].duration, int64_t{kPromisedMs} * 90) << i;
}

// Units that nothing is told about are not kept for ever.
TEST_F(DerivedTest, HoldsNoMoreThanItMay) {
  open_source();
  start_rung();
  for (int64_t frame = 0; frame < 100; ++frame) {
    DerivedUnit large = unit(frame);
    auto* bytes = new ByteVector(1 << 20, std::byte{0x41});
    large.data = *bytes;
    large.holder = Holder(bytes, [](void* p) { delete static_cast<ByteVector*>(p); });
    rung_->push(std::move(large));
  }
  EXPECT_GT(rung_->stats().dropped_units, 50u);
}

class RetentionTest : public ArchiveTest {
 protected:
  static void make_old(const std::string& path, int64_t utc_us) {
    const timespec times[2] = {{utc_us / 1'000'000, 0}, {utc_us / 1'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
  }
  // A run of three files, of which the last one may be open.
  std::string run(const std::shared_ptr<Volume>& disk, std::unique_ptr<Session>& session) {
    RunSettings settings;
    settings.file_ms = 4000;
    session = open(disk, info(), {}, settings);
    write(*session, 21);
    disk->commit();
    disk->commit();
    return run_directory(session->writer->name());
  }
};

TEST_F(RetentionTest, RemovesWhatIsOldAndRunsThatAreEmpty) {
  settings_.durable = false;
  auto disk = volume();
  std::unique_ptr<Session> session;
  const std::string directory = run(disk, session);
  const auto files = files_in(directory);
  ASSERT_EQ(files.front(), "000000.mp4");
  ASSERT_EQ(files.back(), "run.jl");
  ASSERT_GE(files.size(), 4u);
  const std::string newest = files[files.size() - 2];
  ASSERT_TRUE(newest.ends_with(".part")) << newest;

  for (const std::string& name : files) make_old(directory + "/" + name, kStart);
  make_old(directory + "/" + files[1], kStart + 60'000'000);
  EXPECT_EQ(remove_old(directory_.path(), kStart - 1), 0u);
  // The open file is being written; the second is not so old.
  EXPECT_EQ(remove_old(directory_.path(), kStart + 1'000'000), files.size() - 3);
  EXPECT_EQ(files_in(directory), (std::vector<std::string>{files[1], newest, "run.jl"}));

  session->writer->end("unpublish");
  disk->commit();
  disk->commit();
  for (const std::string& name : files_in(directory)) make_old(directory + "/" + name, kStart);
  EXPECT_EQ(remove_old(directory_.path(), kStart + 1'000'000), 3u);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

// What is kept is written beside the media, so that it goes though nobody has the volume open.
TEST_F(RetentionTest, ForgetsRenditionsThatNobodyEncodes) {
  auto settings = derived_volume(directory_.path(), "480p", "n01", 60'000);
  settings.min_free_bytes = 1024 * 1024;
  std::string directory;
  {
    auto disk = Volume::open(settings, clock_);
    ASSERT_TRUE(disk) << disk.error().message;
    std::unique_ptr<Session> session = open(*disk, info());
    write(*session, 5);
    directory = settings.root + "/lta/7/st/a5/000421/" + session->writer->name();
    session->writer->end("unpublish");
  }
  EXPECT_EQ(list_renditions(directory_.path()), std::vector<std::string>{"480p"});
  EXPECT_EQ(noted_keep(settings.root), 60'000);
  for (const std::string& name : files_in(directory)) make_old(directory + "/" + name, kStart);
  EXPECT_EQ(remove_old_renditions(directory_.path(), kStart + 30'000'000), 0u);
  EXPECT_EQ(remove_old_renditions(directory_.path(), kStart + 70'000'000), 2u);
  EXPECT_FALSE(std::filesystem::exists(directory));
}

// And by itself while somebody has it.
TEST_F(RetentionTest, GoesOnWhileTheVolumeIsOpen) {
  settings_.durable = false;
  std::unique_ptr<Session> session;
  std::string directory;
  {
    auto disk = volume();
    directory = run(disk, session);
    session.reset();
  }
  for (const std::string& name : files_in(directory)) make_old(directory + "/" + name, kStart);
  clock_.advance_us(3'600'000'000);
  settings_.keep_ms = 60'000;
  auto disk = volume();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::filesystem::exists(directory) && std::chrono::steady_clock::now() < deadline) disk->commit();
  EXPECT_FALSE(std::filesystem::exists(directory));
}

// An archive that is evidence has no retention, whatever its settings say.
TEST_F(RetentionTest, NeverTouchesEvidence) {
  settings_.keep_ms = 1;
  std::unique_ptr<Session> session;
  auto disk = volume();
  const std::string directory = run(disk, session);
  session->writer->end("unpublish");
  session.reset();
  for (const std::string& name : files_in(directory)) make_old(directory + "/" + name, kStart);
  clock_.advance_us(3'600'000'000);
  disk->commit();
  const auto before = files_in(directory);
  for (int i = 0; i < 5; ++i) disk->commit();
  disk.reset();
  EXPECT_EQ(files_in(directory), before);
  EXPECT_EQ(remove_old_renditions(directory_.path(), clock_.utc_us()), 0u);
}

}  // namespace
}  // namespace headgate::store
