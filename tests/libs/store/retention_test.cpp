// SPDX-License-Identifier: LGPL-2.1-or-later
// What is removed of derived media when it is old, and what never is.
#include "retention.h"

#include <fcntl.h>
#include <store/derived.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "archive_fixture.h"

namespace headgate::store {
namespace {

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
