// SPDX-License-Identifier: LGPL-2.1-or-later
// Many streaming threads on one volume, and the volume's own thread. Meant for ThreadSanitizer, too.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

class VolumeTest : public ArchiveTest {};

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
        auto writer = RunWriter::open(*disk, info(t + 1), settings,
                                      [&](const Record& record) { mine.push_back(record); });
        ASSERT_TRUE(writer) << writer.error().message;
        test::SyntheticSettings media_settings;
        media_settings.seed = t * kRuns + r;
        test::SyntheticMedia media(media_settings, (*writer)->timeline_offset(), system_clock().utc_us());
        ASSERT_TRUE((*writer)->begin(media.presentation()));
        int64_t recorded = RunWriter::kNothingDurable;
        for (int i = 0; i < 40; ++i) {
          fmp4::Part part = media.next();
          ASSERT_TRUE((*writer)->write(part));
          EXPECT_LE((*writer)->durable_pts(), part.pts);
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
  auto writer = RunWriter::open(*disk, info(), {}, nullptr);
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
  auto refused = RunWriter::open(disk, info(), {}, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("VOLUME.json"), std::string::npos);
  EXPECT_EQ(read_text(event + "/VOLUME.json"), "{\"v\":1}\n");
  EXPECT_EQ(Volume::inspect(settings_, kEvent).problem, refused.error().message);
  // The volume itself, and other events on it, are well.
  EXPECT_EQ(Volume::inspect(settings_).problem, "");
  EXPECT_EQ(Volume::inspect(settings_, kEvent + 1).problem, "");
}

}  // namespace
}  // namespace headgate::store
