// SPDX-License-Identifier: LGPL-2.1-or-later
// Disks that are full, and disks that fail.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "archive_fixture.h"
#include "failing_disk.h"

namespace headgate::store {
namespace {

namespace fs = std::filesystem;

class DiskTest : public ArchiveTest {
 protected:
  DiskTest() { settings_.commit_ms = 3'600'000; }
  ~DiskTest() override {
    test::failing_disk().pwritev_errno = 0;
    test::failing_disk().syncfs_errno = 0;
  }
  // Parts until one is refused; its error.
  Error write_until_refused(Session& session, int most = 10'000) {
    for (int i = 0; i < most; ++i) {
      fmp4::Part part = session.media->next();
      clock_.advance_us(part.duration * 100 / 9);
      if (auto written = session.writer->write(part); !written) return written.error();
    }
    ADD_FAILURE() << "never refused";
    return {};
  }
  // Parts until one is taken again; how many were not.
  int write_until_taken(Session& session) {
    for (int refused = 0; refused < 100; ++refused) {
      fmp4::Part part = session.media->next();
      clock_.advance_us(part.duration * 100 / 9);
      if (session.writer->write(part)) {
        EXPECT_TRUE(part.starts_segment);
        return refused;
      }
    }
    ADD_FAILURE() << "never taken again";
    return 0;
  }
  template <typename T>
  static std::vector<T> only(const Records& records) {
    std::vector<T> out;
    for (const Record& record : records)
      if (auto* wanted = std::get_if<T>(&record)) out.push_back(*wanted);
    return out;
  }
};

// A file system of 8 MiB.
class SmallDiskTest : public DiskTest {
 protected:
  void SetUp() override {
    mount_ = directory_.path() + "/small";
    ASSERT_EQ(::mkdir(mount_.c_str(), 0755), 0);
    if (::mount("none", mount_.c_str(), "tmpfs", 0, "size=8m") != 0)
      GTEST_SKIP() << "cannot mount a tmpfs (" << std::strerror(errno)
                   << "): run as root to test a full disk";
    mounted_ = true;
    settings_.root = mount_ + "/archive";
    settings_.reserve_bytes = 512 * 1024;
    settings_.min_free_bytes = 1024 * 1024;
  }
  void TearDown() override {
    if (mounted_) ::umount2(mount_.c_str(), MNT_DETACH);
  }
  void fill(const std::string& name, size_t bytes) {
    write_text(mount_ + "/" + name, std::string(bytes, 'x'));
  }

  std::string mount_;
  bool mounted_ = false;
};

TEST_F(SmallDiskTest, FullAndBack) {
  fill("ballast", 4 << 20);
  auto disk = volume();
  EXPECT_EQ(fs::file_size(settings_.root + "/reserve"), settings_.reserve_bytes);
  EXPECT_EQ(disk->space(), Space::good);
  test::SyntheticSettings large;
  large.video_bytes = 8000;
  auto session = open(disk, info(), large);
  Error error = write_until_refused(*session);
  EXPECT_EQ(error.code, ENOSPC);
  EXPECT_EQ(disk->space(), Space::full);
  EXPECT_EQ(write_until_refused(*session, 1).code, ENOSPC);
  auto refused = RunWriter::open(disk, info(kStation + 1), {})->take(nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOSPC);
  // The chain is written all the same: the reserve made room for it.
  disk->commit();
  EXPECT_EQ(fs::file_size(settings_.root + "/reserve"), 0u);
  std::string directory =
      settings_.root + run_directory(session->writer->name()).substr(directory_.path().size());
  EXPECT_EQ(lines_of(directory, "close").size(), 1u);
  EXPECT_EQ(lines_of(directory, "io").size(), 1u);
  EXPECT_EQ(number_in(lines_of(directory, "io").at(0), "errno"), ENOSPC);
  size_t before = session->told.size();
  EXPECT_EQ(write_until_refused(*session, 1).code, ENOSPC);
  EXPECT_EQ(session->told.size(), before);

  fs::remove(mount_ + "/ballast");
  disk->commit();
  EXPECT_EQ(disk->space(), Space::good);
  EXPECT_EQ(fs::file_size(settings_.root + "/reserve"), settings_.reserve_bytes);
  write_until_taken(*session);
  write(*session, 6);
  session->writer->end("unpublish");
  disk->commit();
  auto gaps = only<playlist::GapRecord>(session->told);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason, "disk_full");
  EXPECT_GE(gaps[0].to_pts - gaps[0].from_pts, 90'000);
  EXPECT_EQ(only<playlist::InitRecord>(session->told).size(), 2u);
  auto records = read_run(settings_.root, kEvent, kStation, session->writer->name());
  ASSERT_TRUE(records);
  EXPECT_EQ(describe(records->records), describe(session->told));
  Checked checked = check_archive(settings_.root);
  EXPECT_TRUE(checked.ok) << checked.text;
  auto next = open(disk);
  EXPECT_TRUE(next);
}

TEST_F(SmallDiskTest, EndsWhileFull) {
  fill("ballast", 4 << 20);
  auto disk = volume();
  test::SyntheticSettings large;
  large.video_bytes = 8000;
  auto session = open(disk, info(), large);
  write_until_refused(*session);
  write_until_refused(*session, 1);
  session->writer->end("disconnect");
  auto gaps = only<playlist::GapRecord>(session->told);
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_GT(gaps[0].to_pts, gaps[0].from_pts);
  disk->commit();
  auto records = read_run(settings_.root, kEvent, kStation, session->writer->name());
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->ended);
  EXPECT_EQ(records->records, session->told);
  Checked checked = check_archive(settings_.root);
  EXPECT_TRUE(checked.ok) << checked.text;
}

TEST_F(SmallDiskTest, LowRefusesNewRunsOnly) {
  auto disk = volume();
  auto session = open(disk);
  fill("ballast", 7 << 20);
  disk->commit();
  EXPECT_EQ(disk->space(), Space::low);
  auto refused = RunWriter::open(disk, info(kStation + 1), {})->take(nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOSPC);
  write(*session, 6);
  session->writer->end("unpublish");
}

TEST_F(SmallDiskTest, ItsStateIsSeenFromOutside) {
  VolumeState state = Volume::inspect(settings_);  // the folder is yet to come
  EXPECT_EQ(state.problem, "");
  EXPECT_EQ(state.space, Space::good);
  EXPECT_FALSE(fs::exists(settings_.root));
  {
    auto disk = volume();
    fill("ballast", 6 << 20);
    state = Volume::inspect(settings_);
    EXPECT_EQ(state.problem, "");
    EXPECT_LT(state.free_bytes, 2u << 20);
    fill("more", 1 << 20);
    state = Volume::inspect(settings_);
    EXPECT_EQ(state.space, Space::low);
    EXPECT_NE(state.problem.find("is full"), std::string::npos) << state.problem;
    fs::remove(mount_ + "/more");
    // The reserve is in use: there is room for a run, but not for a reserve, too.
    fs::resize_file(settings_.root + "/reserve", 0);
    fill("more", 600 << 10);
    state = Volume::inspect(settings_);
    EXPECT_GT(state.free_bytes, settings_.min_free_bytes);
    EXPECT_EQ(state.space, Space::full);
    EXPECT_NE(state.problem.find("is full"), std::string::npos) << state.problem;
    EXPECT_EQ(fs::file_size(settings_.root + "/reserve"), 0u);  // looked at, not filled
  }
  fs::remove(mount_ + "/ballast");
  ASSERT_EQ(::mount("none", mount_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, "size=8m"), 0);
  EXPECT_NE(Volume::inspect(settings_).problem.find("read-only"), std::string::npos);
}

TEST_F(SmallDiskTest, NoRoomForFilesIsAFullDisk) {
  ASSERT_EQ(::mount("none", mount_.c_str(), "tmpfs", MS_REMOUNT, "size=8m,nr_inodes=500"), 0);
  EXPECT_NE(Volume::inspect(settings_).problem.find("inodes"), std::string::npos);
  auto disk = volume();
  EXPECT_NE(disk->space(), Space::good);
  auto refused = RunWriter::open(disk, info(), {})->take(nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOSPC);
  ASSERT_EQ(::mount("none", mount_.c_str(), "tmpfs", MS_REMOUNT, "size=8m,nr_inodes=5000"), 0);
  disk->commit();
  EXPECT_EQ(Volume::inspect(settings_).problem, "");
  EXPECT_TRUE(open(disk));
}

class BrokenDiskTest : public DiskTest {
 protected:
  // Of a run that has ended on a broken volume: no line speaks of media that was not durable, and it says so.
  void expect_nothing_claimed(const std::string& run, size_t frags) {
    std::string directory = run_directory(run);
    EXPECT_EQ(lines_of(directory, "frag").size(), frags);
    EXPECT_EQ(lines_of(directory, "close").size(), 0u);
    auto io = lines_of(directory, "io");
    ASSERT_EQ(io.size(), 1u);
    EXPECT_EQ(number_in(io[0], "errno"), EIO);
    EXPECT_NE(io[0].find("\"broken\":true"), std::string::npos);
    EXPECT_EQ(lines_of(directory, "end").size(), 1u);
  }
};

TEST_F(BrokenDiskTest, APartCutShortIsNotRecordedAndNotOverwritten) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 6);
  auto last = only<playlist::PartRecord>(session->told).back();
  test::failing_disk().pwritev_bytes = 70;
  test::failing_disk().pwritev_errno = ENOSPC;
  EXPECT_EQ(write_until_refused(*session, 1).code, ENOSPC);
  test::failing_disk().pwritev_errno = 0;
  disk->commit();  // finds that there is room
  write_until_taken(*session);
  write(*session, 5);
  session->writer->end("unpublish");
  disk->commit();
  std::string directory = run_directory(session->writer->name());
  std::string close = lines_of(directory, "close").at(0);
  EXPECT_EQ(number_in(close, "size"), static_cast<int64_t>(last.offset + last.length));
  EXPECT_GT(fs::file_size(directory + "/000000.mp4"), last.offset + last.length);
  EXPECT_EQ(read(session->writer->name()), session->told);
  EXPECT_EQ(only<playlist::GapRecord>(session->told).at(0).from_pts, last.pts + last.duration);
  expect_sound();
}

TEST_F(BrokenDiskTest, FailedWritePoisonsTheVolume) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 6);
  disk->commit();
  int64_t durable = session->writer->durable_pts();
  test::failing_disk().pwritev_errno = EIO;
  std::string directory = run_directory(session->writer->name());
  size_t frags = lines_of(directory, "frag").size();
  EXPECT_EQ(write_until_refused(*session, 1).code, EIO);
  test::failing_disk().pwritev_errno = 0;
  // Once is enough, though the disk works again.
  EXPECT_EQ(write_until_refused(*session, 1).code, EIO);
  auto refused = RunWriter::open(disk, info(kStation + 1), {})->take(nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EIO);
  session->writer->end("unpublish");
  EXPECT_EQ(only<playlist::GapRecord>(session->told).at(0).reason, "io");
  disk->commit();
  EXPECT_EQ(session->writer->durable_pts(), durable);
  std::string run = session->writer->name();
  expect_nothing_claimed(run, frags);
  // Another process, later: what is there is sound, and names are given.
  recover(directory_.path(), "n02");
  EXPECT_EQ(read(run), session->told);
  expect_sound();
}

TEST_F(BrokenDiskTest, FailedSyncIsNotTriedAgain) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 6);
  disk->commit();
  int64_t durable = session->writer->durable_pts();
  std::string run = session->writer->name();
  size_t frags = lines_of(run_directory(run), "frag").size();
  ASSERT_GT(frags, 0u);
  write(*session, 6);
  test::failing_disk().syncfs_errno = EIO;
  disk->commit();
  test::failing_disk().syncfs_errno = 0;
  EXPECT_EQ(session->writer->durable_pts(), durable);
  int calls = test::failing_disk().syncfs_calls;
  EXPECT_EQ(write_until_refused(*session, 1).code, EIO);
  disk->commit();
  session->writer->end("unpublish");
  disk->commit();
  EXPECT_EQ(test::failing_disk().syncfs_calls, calls);
  EXPECT_EQ(session->writer->durable_pts(), durable);
  expect_nothing_claimed(run, frags);
  EXPECT_EQ(lines_of(run_directory(run), "gap").size(), 1u);
  // What the page cache still has is told, unattested, and to another process, later.
  EXPECT_EQ(describe(read(run)), describe(session->told));
  recover(directory_.path(), "n02");
  EXPECT_EQ(read(run), session->told);
  expect_sound();
}

TEST_F(BrokenDiskTest, WhatTheFailedSyncLostIsNotClaimed) {
  auto disk = volume();
  auto session = open(disk);
  std::string run = session->writer->name();
  write(*session, 6);
  disk->commit();
  size_t frags = lines_of(run_directory(run), "frag").size();
  write(*session, 6);
  test::failing_disk().syncfs_errno = EIO;
  disk->commit();
  session->writer->end("unpublish");
  disk->commit();
  disk.reset();
  expect_nothing_claimed(run, frags);
  // The machine goes down and comes back without the pages that were never written.
  std::string media = run_directory(run) + "/000000.mp4.part";
  std::string frag = lines_of(run_directory(run), "frag").back();
  fs::resize_file(media, static_cast<uintmax_t>(number_in(frag, "off") + number_in(frag, "len")));
  RecoverySummary summary = recover(directory_.path(), "n02");
  EXPECT_TRUE(summary.problems.empty()) << summary.problems[0];
  EXPECT_EQ(summary.missing_bytes, 0u);
  EXPECT_EQ(only<playlist::SegmentRecord>(read(run)).size(), frags);
  expect_sound();
}

TEST_F(BrokenDiskTest, ACommitSyncsOnceForMediaAndLines) {
  auto disk = volume();
  auto session = open(disk);
  disk->commit();
  int before = test::failing_disk().syncfs_calls;
  write(*session, 6);
  disk->commit();  // media, then its lines: asked for, both at once
  EXPECT_EQ(test::failing_disk().syncfs_calls, before + 2);
  disk->commit();
  EXPECT_EQ(test::failing_disk().syncfs_calls, before + 2);
}

}  // namespace
}  // namespace headgate::store
