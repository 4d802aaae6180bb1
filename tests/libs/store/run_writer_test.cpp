// SPDX-License-Identifier: LGPL-2.1-or-later
// What a writer leaves on disk and tells, and how the next run goes on.
#include <base/encoding.h>
#include <base/sha256.h>
#include <sys/stat.h>

#include <random>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

class RunWriterTest : public ArchiveTest {};

TEST_F(RunWriterTest, LeavesWhatTheFormatSays) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  EXPECT_EQ(run.substr(0, 21), "20260914T060000Z-n01-");
  write(*session, 21);
  session->writer->end("unpublish");
  disk->commit();
  EXPECT_EQ(files_in(run_directory(run)), (std::vector<std::string>{"000000.fhx", "000000.mp4", "run.jl"}));
  struct stat info {};
  ASSERT_EQ(::stat((run_directory(run) + "/000000.mp4").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0440u);
  // The golden first line, but for what the machine decides.
  std::string open = lines_of(run_directory(run), "open").at(0);
  EXPECT_EQ(open.find("{\"v\":1,\"n\":0,\"t\":\"open\",\"run\":\"" + run +
                      "\",\"event\":7,\"station\":421,\"tid\":\"00112233445566778899aabbccddeeff\","
                      "\"node\":\"n01\",\"peer\":\"192.0.2.7:40123\",\"proto\":\"rtmp\","
                      "\"ua\":\"T\\u00e9l\\u00e9phone/1.0 \\\"x\\\"\",\"claim\":\"first\",\"volume\":\""),
            0u)
      << open;
  EXPECT_EQ(number_in(open, "utc"), kStart);
  EXPECT_EQ(number_in(open, "mono"), 5'000'000);
  expect_sound();
}

TEST_F(RunWriterTest, ReadsBackWhatItTold) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 9);
  // Alive: everything is there, but the open segment's record.
  disk->commit();
  auto live = read_run(directory_.path(), kEvent, kStation, session->writer->name());
  ASSERT_TRUE(live);
  EXPECT_TRUE(live->writing);
  EXPECT_FALSE(live->ended);
  EXPECT_EQ(describe(live->records), describe(session->told));
  write(*session, 4);  // and what is not committed yet
  EXPECT_EQ(describe(read(session->writer->name())), describe(session->told));
  session->writer->end("unpublish");
  disk->commit();
  auto ended = read_run(directory_.path(), kEvent, kStation, session->writer->name());
  ASSERT_TRUE(ended);
  EXPECT_TRUE(ended->ended);
  EXPECT_FALSE(ended->writing);
  EXPECT_EQ(ended->records, session->told);
}

TEST_F(RunWriterTest, TellsSegmentsThatAddUp) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 20);
  session->writer->end("unpublish");
  auto segments = only<playlist::SegmentRecord>(session->told);
  auto parts = only<playlist::PartRecord>(session->told);
  ASSERT_EQ(parts.size(), 20u);
  ASSERT_GE(segments.size(), 4u);
  size_t part = 0;
  uint64_t end = only<playlist::InitRecord>(session->told).at(0).length;
  for (size_t i = 0; i < segments.size(); ++i) {
    EXPECT_EQ(segments[i].msn, i);
    EXPECT_EQ(segments[i].offset, end);
    EXPECT_FALSE(segments[i].discontinuity);
    EXPECT_TRUE(segments[i].independent);
    EXPECT_EQ(segments[i].pts, parts[part].pts);
    EXPECT_EQ(segments[i].utc_us, parts[part].utc_us);
    for (uint32_t index = 0; part < parts.size() && parts[part].msn == i; ++part, ++index) {
      EXPECT_EQ(parts[part].index, index);
      EXPECT_EQ(parts[part].offset, end);
      EXPECT_EQ(parts[part].chunks.size(), 2u);
      EXPECT_EQ(parts[part].chunks.back().offset + parts[part].chunks.back().length,
                parts[part].offset + parts[part].length);
      end += parts[part].length;
    }
    EXPECT_EQ(segments[i].offset + segments[i].length, end);
  }
}

TEST_F(RunWriterTest, DurableIsNeverOverstated) {
  auto disk = volume();
  auto session = open(disk);
  EXPECT_EQ(session->writer->durable_pts(), RunWriter::kNothingDurable);
  write(*session, 6);  // one segment and a half
  auto segments = only<playlist::SegmentRecord>(session->told);
  ASSERT_EQ(segments.size(), 1u);
  disk->commit();
  EXPECT_EQ(session->writer->durable_pts(), segments[0].pts + segments[0].duration);
  session->writer->end("unpublish");
  disk->commit();
  segments = only<playlist::SegmentRecord>(session->told);
  EXPECT_EQ(session->writer->durable_pts(), segments.back().pts + segments.back().duration);
}

TEST_F(RunWriterTest, FilesRotateAtSegmentsAndStaggered) {
  auto disk = volume();
  RunSettings settings;
  settings.file_ms = 10'000;
  std::vector<int64_t> first_ends;
  for (uint32_t station : {1u, 2u, 3u}) {
    auto session = open(disk, info(station), {}, settings);
    write(*session, 100);
    session->writer->end("unpublish");
    auto segments = only<playlist::SegmentRecord>(session->told);
    std::map<std::string, int64_t> lengths;
    std::string file;
    for (const auto& segment : segments) {
      if (file != segment.file && !file.empty() && first_ends.size() < station)
        first_ends.push_back(segment.pts);
      file = segment.file;
      lengths[file] += segment.duration;
      EXPECT_FALSE(segment.discontinuity);
    }
    EXPECT_GE(lengths.size(), 5u);
    for (const auto& [name, length] : lengths) EXPECT_LE(length, 12 * 90'000) << name;
    EXPECT_EQ(only<playlist::InitRecord>(session->told).size(), lengths.size());
  }
  ASSERT_EQ(first_ends.size(), 3u);
  EXPECT_TRUE(first_ends[0] != first_ends[1] || first_ends[1] != first_ends[2]);
  disk->commit();
  expect_sound();
}

TEST_F(RunWriterTest, AnotherPresentationIsAnotherFileAndADiscontinuity) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 10);
  int64_t end = only<playlist::PartRecord>(session->told).back().pts + 45'000;
  test::SyntheticSettings other;
  other.other_config = true;
  session->media = std::make_unique<test::SyntheticMedia>(other, end / 3600 * 3600, clock_.utc_us());
  ASSERT_TRUE(session->writer->begin(session->media->presentation()));
  ASSERT_TRUE(session->writer->begin(session->media->presentation()));  // the same: nothing happens
  write(*session, 10);
  session->writer->end("unpublish");
  auto inits = only<playlist::InitRecord>(session->told);
  ASSERT_EQ(inits.size(), 2u);
  EXPECT_NE(inits[0].id, inits[1].id);
  EXPECT_EQ(inits[0].width, 320u);
  EXPECT_EQ(inits[1].width, 640u);
  int discontinuities = 0;
  for (const auto& segment : only<playlist::SegmentRecord>(session->told)) {
    discontinuities += segment.discontinuity;
    EXPECT_EQ(segment.init_id, segment.file == inits[0].file ? inits[0].id : inits[1].id);
  }
  EXPECT_EQ(discontinuities, 1);
  disk->commit();
  EXPECT_EQ(read(session->writer->name()), session->told);
  expect_sound();
}

TEST_F(RunWriterTest, PicturesOfHighDynamicRangeAreToldAsSuch) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 3);
  fmp4::Presentation hdr = session->media->presentation();
  hdr.video->colour = {9, 16, 9, false};
  ASSERT_TRUE(session->writer->begin(hdr));
  write(*session, 3);
  hdr.video->colour = {9, 14, 9, false};  // BT.2020 alone
  ASSERT_TRUE(session->writer->begin(hdr));
  write(*session, 3);
  session->writer->end("unpublish");
  const auto inits = only<playlist::InitRecord>(session->told);
  ASSERT_EQ(inits.size(), 3u);
  EXPECT_EQ(inits[0].transfer, 0u);
  EXPECT_EQ(inits[1].transfer, playlist::kTransferPq);
  EXPECT_EQ(inits[2].transfer, 0u);
  disk->commit();
  EXPECT_EQ(read(session->writer->name()), session->told);
  expect_sound();
}

TEST_F(RunWriterTest, AGapEndsTheSegmentAndIsRecorded) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 6);
  session->media->skip_ms(8000);
  fmp4::Part part = session->media->next();
  auto before = only<playlist::PartRecord>(session->told).back();
  session->writer->gap("stall", before.pts + before.duration, part.pts);
  ASSERT_TRUE(session->writer->write(part));
  session->writer->end("unpublish");
  auto gaps = only<playlist::GapRecord>(session->told);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason, "stall");
  EXPECT_EQ(gaps[0].to_pts, part.pts);
  auto segments = only<playlist::SegmentRecord>(session->told);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_FALSE(segments[1].discontinuity);
  EXPECT_TRUE(segments[2].discontinuity);
  disk->commit();
  EXPECT_EQ(read(session->writer->name()), session->told);
  expect_sound();
}

TEST_F(RunWriterTest, TheNextRunGoesOn) {
  auto disk = volume();
  auto first = open(disk);
  EXPECT_EQ(first->writer->timeline_offset(), 0);
  write(*first, 10);
  first->writer->end("disconnect");
  auto last = only<playlist::SegmentRecord>(first->told).back();
  clock_.advance_us(7'300'000);
  // At once, while the first one's last lines are still in memory; and again from disk.
  for (int i = 0; i < 2; ++i) {
    auto next = open(disk);
    auto run = std::get<playlist::RunRecord>(next->told.at(0));
    EXPECT_EQ(run.first_msn, last.msn + 1);
    EXPECT_EQ(run.discontinuity_sequence, static_cast<uint64_t>(i + 1));
    EXPECT_EQ(next->writer->timeline_offset() % 3600, 0);
    EXPECT_NEAR(static_cast<double>(next->writer->timeline_offset()),
                static_cast<double>(clock_.utc_us() - kStart) * 0.09, 3600 + 1);
    EXPECT_GE(next->writer->timeline_offset(), last.pts + last.duration);
    write(*next, 10);
    auto gaps = only<playlist::GapRecord>(next->told);
    ASSERT_EQ(gaps.size(), 1u);
    EXPECT_EQ(gaps[0].reason, "disconnect");
    EXPECT_EQ(gaps[0].from_pts, last.pts + last.duration);
    EXPECT_EQ(gaps[0].to_pts, only<playlist::PartRecord>(next->told).front().pts);
    EXPECT_EQ(gaps[0].from_utc_us, last.utc_us + last.duration * 100 / 9);
    EXPECT_TRUE(only<playlist::SegmentRecord>(next->told).front().discontinuity);
    next->writer->end("disconnect");
    last = only<playlist::SegmentRecord>(next->told).back();
    disk->commit();
    clock_.advance_us(500'000);
  }
  auto runs = list_runs(directory_.path(), kEvent, kStation);
  EXPECT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs.front(), first->writer->name());
  EXPECT_EQ(list_stations(directory_.path(), kEvent), std::vector<uint32_t>{kStation});
  expect_sound();
}

TEST_F(RunWriterTest, ARunWithoutMediaUsesUpNothing) {
  auto disk = volume();
  auto first = open(disk);
  write(*first, 10);
  first->writer->end("disconnect");
  auto last = only<playlist::SegmentRecord>(first->told).back();
  for (int i = 0; i < 3; ++i) {
    auto empty = open(disk);
    EXPECT_EQ(std::get<playlist::RunRecord>(empty->told.at(0)).first_msn, last.msn + 1);
    EXPECT_EQ(std::get<playlist::RunRecord>(empty->told.at(0)).discontinuity_sequence, 1u);
    empty->writer->end("disconnect");
    if (i == 1) disk->commit();
    clock_.advance_us(1'000'000);
  }
  auto next = open(disk);
  write(*next, 2);
  auto gaps = only<playlist::GapRecord>(next->told);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].from_pts, last.pts + last.duration);
  next->writer->end("unpublish");
  disk->commit();
  expect_sound();
}

TEST_F(RunWriterTest, ABackwardClockBreaksNeitherOrderNorTimeline) {
  auto disk = volume();
  auto first = open(disk);
  write(*first, 10);
  clock_.step_utc_us(-3'600'000'000);
  write(*first, 4);
  clock_.step_utc_us(200'000);  // too small to tell
  write(*first, 4);
  first->writer->end("disconnect");
  disk->commit();
  auto steps = lines_of(run_directory(first->writer->name()), "clock");
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(number_in(steps[0], "after") - number_in(steps[0], "before"), -3'600'000'000);
  auto last = only<playlist::SegmentRecord>(first->told).back();
  auto next = open(disk);
  EXPECT_GE(next->writer->timeline_offset(), last.pts + last.duration);
  EXPECT_EQ(list_runs(directory_.path(), kEvent, kStation).back(), next->writer->name());
  write(*next, 4);
  next->writer->end("unpublish");
  disk->commit();
  EXPECT_TRUE(lines_of(run_directory(next->writer->name()), "clock").empty());
  expect_sound();
}

TEST_F(RunWriterTest, HowGoodTheClockIsIsToldEachTenMinutes) {
  auto disk = volume();
  auto session = open(disk);
  const auto write_after = [&](int64_t us) {
    clock_.advance_us(us);
    write(*session, 1);
  };
  write_after(0);
  write_after(599'000'000);
  write_after(2'000'000);
  write_after(30'000'000);
  write_after(600'000'000);
  session->writer->end("unpublish");
  disk->commit();
  auto lines = lines_of(run_directory(session->writer->name()), "time");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_GE(number_in(lines[0], "utc") - kStart, 600'000'000);
  EXPECT_GE(number_in(lines[1], "mono") - number_in(lines[0], "mono"), 600'000'000);
  EXPECT_NE(lines[0].find(R"("ntp":{"sync":)"), std::string::npos);
  expect_sound();
}

TEST_F(RunWriterTest, WhatWasDoneToTheSendersTimesIsOnRecord) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 3);
  session->writer->repair(
      {.track = "audio", .kind = "backward", .count = 3, .before_ms = 7, .after_ms = -5, .pts = 90'000});
  write(*session, 3);
  session->writer->end("unpublish");
  session->writer->repair({.track = "audio", .kind = "backward"});  // too late: the run is over
  disk->commit();
  auto lines = lines_of(run_directory(session->writer->name()), "repair");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(
      lines[0].find(R"("track":"audio","kind":"backward","count":3,"before_ms":7,"after_ms":-5,"pts":90000)"),
      std::string::npos);
  expect_sound();
}

TEST_F(RunWriterTest, OneWriterPerStation) {
  auto disk = volume();
  auto first = open(disk);
  auto second = RunWriter::open(disk, info(), {})->take(nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_TRUE(RunWriter::open(disk, info(kStation + 1), {})->take(nullptr));
  first->writer->end("superseded");
  EXPECT_TRUE(RunWriter::open(disk, info(), {})->take(nullptr));
}

TEST_F(RunWriterTest, AnAbandonedRunIsEnded) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 5);
  session->writer.reset();
  disk.reset();  // the last reference commits
  EXPECT_EQ(session->told.back(), Record(playlist::EndRecord{"abandoned"}));
  EXPECT_EQ(read(run), session->told);
  expect_sound();
}

TEST_F(RunWriterTest, AFileSaysWhatItsCodecConfigurationsAre) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 1);
  const fmp4::Presentation& presentation = session->media->presentation();
  session->writer->end("unpublish");
  disk->commit();
  std::string line = lines_of(run_directory(session->writer->name()), "file").at(0);
  EXPECT_NE(line.find("\"vcfg\":\"" + to_hex(sha256(presentation.video->config))), std::string::npos);
  EXPECT_NE(line.find("\"acfg\":\"" + to_hex(sha256(presentation.audio->config))), std::string::npos);
}

TEST_F(RunWriterTest, AConfigurationMayNotChangeForEver) {
  auto disk = volume();
  auto writer = RunWriter::open(disk, info(), {})->take(nullptr);
  ASSERT_TRUE(writer);
  test::SyntheticSettings settings;
  settings.other_config = true;
  test::SyntheticMedia some({}, 0, kStart), other(settings, 0, kStart);
  for (uint32_t i = 0; i < kMaxPresentations; ++i)
    ASSERT_TRUE((*writer)->begin(i % 2 == 0 ? some.presentation() : other.presentation())) << i;
  EXPECT_TRUE((*writer)->begin(other.presentation()));  // no change
  EXPECT_EQ((*writer)->begin(some.presentation()).error().code, E2BIG);
  EXPECT_EQ((*writer)->write(some.next()).error().code, EINVAL);
}

TEST_F(RunWriterTest, RefusesWhatCannotBeWritten) {
  auto disk = volume();
  auto writer = RunWriter::open(disk, info(), {})->take(nullptr);
  ASSERT_TRUE(writer);
  test::SyntheticMedia media({}, 0, kStart);
  fmp4::Part part = media.next();
  EXPECT_EQ((*writer)->write(part).error().code, EINVAL);  // before begin
  EXPECT_FALSE((*writer)->begin({}));
  ASSERT_TRUE((*writer)->begin(media.presentation()));
  ASSERT_TRUE((*writer)->write(part));
  part.length = 300u << 20;
  EXPECT_EQ((*writer)->write(part).error().code, EMSGSIZE);
  ASSERT_TRUE((*writer)->write(media.next()));
  (*writer)->end("unpublish");
  EXPECT_FALSE((*writer)->write(media.next()));
  disk->commit();
  expect_sound();
  settings_.node = "Node 1";
  EXPECT_EQ(Volume::open(settings_, clock_).error().code, EINVAL);
  settings_.node = "n02";
  EXPECT_EQ(Volume::open(settings_, clock_).error().code, EINVAL);  // open with other settings
}

TEST_F(RunWriterTest, AVolumeThatIsNoEvidenceKeepsNoHashes) {
  settings_.durable = false;
  auto disk = volume();
  auto session = open(disk);
  write(*session, 10);
  disk->commit();
  EXPECT_EQ(describe(read(session->writer->name())), describe(session->told));
  session->writer->end("unpublish");
  disk->commit();
  std::string run = session->writer->name();
  EXPECT_EQ(read(run), session->told);
  EXPECT_EQ(files_in(run_directory(run)), (std::vector<std::string>{"000000.mp4", "run.jl"}));
  EXPECT_EQ(read_text(run_directory(run) + "/run.jl").find("\"sha\""), std::string::npos);
  auto next = open(disk);
  EXPECT_GT(std::get<playlist::RunRecord>(next->told.at(0)).first_msn, 0u);
  next->writer->end("unpublish");
  disk->commit();
  expect_sound();
}

TEST_F(RunWriterTest, VideoAloneAndAudioAlone) {
  auto disk = volume();
  for (bool video : {true, false}) {
    test::SyntheticSettings media;
    media.video = video;
    media.audio = !video;
    auto session = open(disk, info(video ? 1 : 2), media);
    write(*session, 20);
    session->writer->end("unpublish");
    disk->commit();
    EXPECT_EQ(read(session->writer->name(), video ? 1 : 2), session->told);
    EXPECT_GE(only<playlist::SegmentRecord>(session->told).size(), 4u);
  }
  expect_sound();
}

// Whatever happens to a run, reading it tells what was told.
TEST_F(RunWriterTest, ReadingTellsWhatWasToldProperty) {
  for (uint32_t seed = 1; seed <= 25; ++seed) {
    std::mt19937 random(seed);
    auto disk = volume();
    test::SyntheticSettings media;
    media.seed = seed;
    media.video = random() % 8 != 0;
    media.audio = !media.video || random() % 4 != 0;
    media.part_ms = 200 + random() % 800;
    RunSettings run;
    run.file_ms = 2000 + random() % 20'000;
    auto session = open(disk, info(seed), media, run);
    for (int step = 0; step < 12; ++step) {
      write(*session, static_cast<int>(random() % 6));
      if (random() % 4 == 0) disk->commit();
      if (random() % 5 == 0) session->media->skip_ms(static_cast<int64_t>(1000 + random() % 5000));
      auto parts = only<playlist::PartRecord>(session->told);
      if (random() % 5 == 0 && !parts.empty()) {
        int64_t end = parts.back().pts + parts.back().duration;
        session->writer->gap("loss", end, end + static_cast<int64_t>(random() % 90'000));
      }
      if (random() % 6 == 0 && !parts.empty()) {
        media.other_config = !media.other_config;
        int64_t start = (parts.back().pts + parts.back().duration + 3600) / 3600 * 3600;
        session->media = std::make_unique<test::SyntheticMedia>(media, start, clock_.utc_us());
        ASSERT_TRUE(session->writer->begin(session->media->presentation()));
      }
    }
    session->writer->end("unpublish");
    disk->commit();
    EXPECT_EQ(describe(read(session->writer->name(), seed)), describe(session->told)) << "seed " << seed;
    EXPECT_EQ(read(session->writer->name(), seed), session->told);
  }
  expect_sound();
}

}  // namespace
}  // namespace headgate::store
