// SPDX-License-Identifier: LGPL-2.1-or-later
// Many streaming threads on one volume, and the volume's own thread. Meant for ThreadSanitizer, too.
#include <base/unique_fd.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include "archive_fixture.h"
#include "failing_disk.h"

namespace headgate::store {
namespace {

class VolumeTest : public ArchiveTest {
 protected:
  ArchiveDirectory copy_;
};

TEST_F(VolumeTest, ManyStationsAtOnce) {
  constexpr uint32_t kThreads = 4, kRuns = 4;
  settings_.commit_ms = 3;
  auto disk = Volume::open(settings_);
  ASSERT_TRUE(disk);
  std::vector<Records> told(kThreads * kRuns);
  std::vector<std::string> names(kThreads * kRuns);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint32_t r = 0; r < kRuns; ++r) {
        Records& mine = told[t * kRuns + r];
        RunSettings settings;
        settings.file_ms = 3000;
        auto writer = RunWriter::open(*disk, info(t + 1), settings)->take([&](const Record& record) {
          mine.push_back(record);
        });
        ASSERT_TRUE(writer) << writer.error().message;
        test::SyntheticSettings media_settings;
        media_settings.seed = t * kRuns + r;
        test::SyntheticMedia media(media_settings, (*writer)->timeline_offset(), system_clock().utc_us());
        ASSERT_TRUE((*writer)->begin(media.presentation()));
        int64_t recorded = RunWriter::kNothingDurable;
        for (int i = 0; i < 40; ++i) {
          fmp4::Part part = media.next();
          ASSERT_TRUE((*writer)->write(part));
          EXPECT_LE((*writer)->durable_pts(), part.pts + part.duration);  // it may have ended its segment
          EXPECT_GE((*writer)->durable_pts(), recorded);
          recorded = (*writer)->durable_pts();
          if (i == 20) (*disk)->commit();
          (void)(*disk)->space();
        }
        names[t * kRuns + r] = (*writer)->name();
        (*writer)->end("disconnect");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  (*disk)->commit();
  for (uint32_t t = 0; t < kThreads; ++t)
    for (uint32_t r = 0; r < kRuns; ++r)
      EXPECT_EQ(read(names[t * kRuns + r], t + 1), told[t * kRuns + r]) << t << " " << r;
  expect_sound();
}

TEST_F(VolumeTest, CommitsByItself) {
  settings_.commit_ms = 20;
  auto disk = Volume::open(settings_);
  ASSERT_TRUE(disk);
  auto writer = RunWriter::open(*disk, info(), {})->take(nullptr);
  ASSERT_TRUE(writer);
  test::SyntheticMedia media({}, 0, kStart);
  ASSERT_TRUE((*writer)->begin(media.presentation()));
  for (int i = 0; i < 6; ++i) ASSERT_TRUE((*writer)->write(media.next()));
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while ((*writer)->durable_pts() == RunWriter::kNothingDurable &&
         std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GT((*writer)->durable_pts(), 0);
}

TEST_F(VolumeTest, OneVolumePerRoot) {
  auto disk = volume();
  EXPECT_EQ(volume(), disk);
  settings_.root += "/";
  EXPECT_EQ(volume(), disk);
  std::string identity = directory_.path() + "/lta/7/VOLUME.json";
  { auto session = open(disk); }
  disk->commit();
  EXPECT_EQ(number_in(read_text(identity), "opens"), 1);
  std::string uuid = read_text(identity).substr(0, 52);
  disk.reset();
  disk = volume();
  for (uint32_t station : {1u, 2u}) open(disk, info(station));
  disk->commit();
  EXPECT_EQ(number_in(read_text(identity), "opens"), 2);
  EXPECT_EQ(read_text(identity).substr(0, 52), uuid);
}

TEST_F(VolumeTest, ABrokenIdentityIsNotReplaced) {
  auto disk = volume();
  std::string event = directory_.path() + "/lta/7";
  ASSERT_EQ(::system(("mkdir -p " + event).c_str()), 0);
  write_text(event + "/VOLUME.json", "{\"v\":1}\n");
  auto refused = RunWriter::open(disk, info(), {})->take(nullptr);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("VOLUME.json"), std::string::npos);
  EXPECT_EQ(read_text(event + "/VOLUME.json"), "{\"v\":1}\n");
  EXPECT_EQ(Volume::inspect(settings_, kEvent).problem, refused.error().message);
  // The volume itself, and other events on it, are well.
  EXPECT_EQ(Volume::inspect(settings_).problem, "");
  EXPECT_EQ(Volume::inspect(settings_, kEvent + 1).problem, "");
}

TEST_F(VolumeTest, OpeningWaitsForTheDiskInAThreadOfItsOwn) {
  auto disk = volume();
  std::string event = directory_.path() + "/lta/7";
  ASSERT_EQ(::system(("mkdir -p " + event).c_str()), 0);
  UniqueFd lock(::open(event.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);  // as a disk that does not answer
  std::promise<void> opened;
  auto opening = RunWriter::open(disk, info(), {}, [&] { opened.set_value(); });
  EXPECT_FALSE(opening->wait_ms(20));
  disk->commit();
  lock.reset();
  opened.get_future().wait();
  EXPECT_TRUE(opening->wait_ms(0));
  Records told;
  auto writer = opening->take([&](const Record& record) { told.push_back(record); });
  ASSERT_TRUE(writer) << writer.error().message;
  EXPECT_EQ(std::get<playlist::RunRecord>(told.at(0)).run, (*writer)->name());
}

TEST_F(VolumeTest, ABusyStationIsTriedAgainForAsLongAsAsked) {
  auto disk = volume();
  auto first = open(disk);
  RunSettings patient;
  patient.busy_ms = 60'000;
  auto opening = RunWriter::open(disk, info(), patient);
  EXPECT_FALSE(opening->wait_ms(1));
  // It is not in the way of others, nor of its own end.
  EXPECT_TRUE(open(disk, info(kStation + 1)));
  RunWriter::open(disk, info(), patient).reset();
  RunSettings hasty;
  hasty.busy_ms = 1;
  auto busy = RunWriter::open(disk, info(), hasty)->take(nullptr);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, EBUSY);
  first->writer->end("disconnect");
  auto writer = opening->take(nullptr);
  EXPECT_TRUE(writer) << writer.error().message;
}

TEST_F(VolumeTest, AnOpeningThatNobodyTakesEndsItsRun) {
  auto disk = volume();
  auto opening = RunWriter::open(disk, info(), {});
  ASSERT_TRUE(opening->wait_ms(60'000));
  opening.reset();
  EXPECT_TRUE(open(disk));  // the station is free
  disk->commit();
  auto runs = list_runs(directory_.path(), kEvent, kStation);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(lines_of(run_directory(runs[0]), "end").size(), 1u);
}

TEST_F(VolumeTest, ARunThatNobodyTakesEndsBeforeItsVolume) {
  auto disk = volume();
  auto opening = RunWriter::open(disk, info(), {});
  ASSERT_TRUE(opening->wait_ms(60'000));
  disk.reset();
  opening.reset();
  EXPECT_EQ(lines_of(run_directory(list_runs(directory_.path(), kEvent, kStation).at(0)), "end").size(), 1u);
}

TEST_F(VolumeTest, AnOpeningIsNotWaitedForByWhoDoesNotWantIt) {
  auto disk = volume();
  const std::string event = directory_.path() + "/lta/8";
  ASSERT_TRUE(std::filesystem::create_directories(event));
  // The event's first run waits for this lock, as for a slow disk.
  UniqueFd lock(::open(event.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
  RunInfo other = info();
  other.event = 8;
  auto opening = RunWriter::open(disk, other, {});
  EXPECT_FALSE(opening->wait_ms(20));
  opening.reset();
  lock.reset();
  EXPECT_TRUE(open(disk, other));  // the station is free
}

TEST_F(VolumeTest, AStationThatWasElsewhereGoesOnFromTheDisk) {
  auto here = volume();
  auto session = open(here);
  write(*session, 12);
  test::failing_disk().syncfs_waits = true;
  session->writer->end("disconnect");
  // Another process holds the station while this one opens it, and the run that ended here is committed only
  // then.
  test::failing_disk().on_flock = [&] {
    test::failing_disk().syncfs_waits = false;
    test::failing_disk().syncfs_waits.notify_all();
    here->commit();
    return EWOULDBLOCK;
  };
  auto busy = RunWriter::open(here, info(), {})->take(nullptr);
  test::failing_disk().on_flock = nullptr;
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, EBUSY);
  // The other one: a volume of its own in the same place.
  std::filesystem::create_directory_symlink(directory_.path() + "/lta", copy_.path() + "/lta");
  auto elsewhere_settings = settings_;
  elsewhere_settings.root = copy_.path();
  auto elsewhere = Volume::open(elsewhere_settings, clock_);
  ASSERT_TRUE(elsewhere) << elsewhere.error().message;
  clock_.advance_us(1'000'000);
  auto other = open(*elsewhere);
  write(*other, 12);
  other->writer->end("disconnect");
  (*elsewhere)->commit();
  clock_.advance_us(1'000'000);
  auto back = open(here);
  const std::string line = lines_of(run_directory(back->writer->name()), "open").at(0);
  EXPECT_NE(line.find("\"prev_run\":\"" + other->writer->name()), std::string::npos) << line;
}

TEST_F(VolumeTest, TellsWhatCommitsCostAndHowFarBehindTheyAre) {
  constexpr int64_t kLagUs = 100'000;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  auto disk = volume();
  disk->commit();
  EXPECT_EQ(disk->commits().durations.count(), 0u);  // there was nothing to commit
  EXPECT_EQ(disk->commits().lag_us, 0);
  auto session = open(disk);
  write(*session, 12);
  disk->commit();
  const uint64_t first = disk->commits().durations.count();
  EXPECT_GE(first, 1u);
  // A disk that hangs: nothing has failed, and it is seen all the same.
  const int calls = test::failing_disk().syncfs_calls;
  test::failing_disk().syncfs_waits = true;
  write(*session, 12);
  std::thread commit([&] { disk->commit(); });
  while (test::failing_disk().syncfs_calls == calls && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  while (disk->commits().lag_us < kLagUs && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_GE(disk->commits().lag_us, kLagUs);
  EXPECT_EQ(disk->commits().durations.count(), first);
  test::failing_disk().syncfs_waits = false;
  test::failing_disk().syncfs_waits.notify_all();
  commit.join();
  EXPECT_GT(disk->commits().durations.count(), first);
  EXPECT_GT(disk->commits().durations.sum_us, 0);
  while (disk->commits().lag_us >= kLagUs && std::chrono::steady_clock::now() < deadline) disk->commit();
  EXPECT_LT(disk->commits().lag_us, kLagUs);
  // One that fails does not count, and nothing is durable any more.
  test::failing_disk().syncfs_errno = EIO;
  write(*session, 12);
  disk->commit();
  const uint64_t last = disk->commits().durations.count();
  disk->commit();
  EXPECT_EQ(disk->commits().durations.count(), last);
  test::failing_disk().syncfs_errno = 0;
}

class SlowRecoveryTest : public VolumeTest {
 protected:
  // In `copy_`, which is the archive from here on, runs of two stations whose writer has died. Recovering the
  // first one waits: for a reader of this pipe, as it would for a slow disk.
  void SetUp() override {
    settings_.commit_ms = 3'600'000;
    auto disk = volume();
    auto session = open(disk);
    write(*session, 12);
    auto other = open(disk, info(kStation + 1));
    write(*other, 12);
    disk->commit();
    std::filesystem::copy(directory_.path(), copy_.path(), std::filesystem::copy_options::recursive);
    run = list_runs(copy_.path(), kEvent, kStation).at(0);
    pipe = copy_.path() + run_directory(run).substr(directory_.path().size()) + "/000000.fhx.tmp";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    settings_.root = copy_.path();
  }
  // Somebody has the station's first run.
  bool locked(uint32_t station) const {
    std::string chain = run_directory(list_runs(copy_.path(), kEvent, station).at(0), station) + "/run.jl";
    chain.replace(0, directory_.path().size(), copy_.path());
    UniqueFd file(::open(chain.c_str(), O_RDONLY | O_CLOEXEC));
    struct flock lock {};
    lock.l_type = F_RDLCK;
    return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  }
  std::string run, pipe;
};

TEST_F(SlowRecoveryTest, AStationNeedNotWaitForAnotherProcesssOne) {
  std::thread recovery([this] { recover(copy_.path(), "n02"); });
  // It has the run, and keeps it.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!locked(kStation) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(locked(kStation));
  auto disk = volume();
  auto opened = RunWriter::open(disk, info(), {})->take(nullptr);
  // For a moment it is not known to be a recovery.
  while (!opened && opened.error().code == EBUSY && std::chrono::steady_clock::now() < deadline)
    opened = RunWriter::open(disk, info(), {})->take(nullptr);
  EXPECT_TRUE(locked(kStation));
  EXPECT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(read_run(copy_.path(), kEvent, kStation, run)->writing);
  if (opened) {
    EXPECT_GT((*opened)->timeline_offset(), 0);
    EXPECT_TRUE(read_run(copy_.path(), kEvent, kStation, (*opened)->name())->writing);
  }
  UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_CLOEXEC));
  recovery.join();
  EXPECT_TRUE(read_run(copy_.path(), kEvent, kStation, run)->ended);
}

TEST_F(SlowRecoveryTest, TheLastSessionsEndDoesNotWaitForThoseThatHaveNotBegun) {
  auto disk = volume();
  EXPECT_TRUE(open(disk));
  EXPECT_TRUE(open(disk, info(kStation + 1)));
  EXPECT_TRUE(locked(kStation + 1));
  std::thread ending([&] { disk.reset(); });
  // It lets go of the run that waits behind the one which is being recovered.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (locked(kStation + 1) && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(locked(kStation + 1));
  UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ending.join();
  std::string other = list_runs(copy_.path(), kEvent, kStation + 1).at(0);
  EXPECT_FALSE(read_run(copy_.path(), kEvent, kStation + 1, other)->ended);
  recover(copy_.path(), "n02");
  EXPECT_TRUE(read_run(copy_.path(), kEvent, kStation, run)->ended);
  EXPECT_TRUE(read_run(copy_.path(), kEvent, kStation + 1, other)->ended);
}

TEST_F(SlowRecoveryTest, HoldsNobodyUp) {
  auto disk = volume();
  auto session = open(disk);
  write(*session, 12);
  disk->commit();
  EXPECT_GT(session->writer->durable_pts(), session->writer->timeline_offset());
  EXPECT_TRUE(open(disk, info(kStation + 1)));
  EXPECT_FALSE(read_run(copy_.path(), kEvent, kStation, run)->ended);
  // The recovery has the pipe open for writing by now or waits until it can.
  UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_CLOEXEC));
  session.reset();
  disk.reset();
  EXPECT_TRUE(read_run(copy_.path(), kEvent, kStation, run)->ended);
}

}  // namespace
}  // namespace headgate::store
