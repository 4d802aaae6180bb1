// SPDX-License-Identifier: LGPL-2.1-or-later
// What a folder tells players of rungs that are not always encoded.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "folder.h"
#include "plugin_test.h"

namespace headgate::abrhlssink {
namespace {

using playlist::RenditionState;

constexpr int64_t kSegmentTicks = 2 * playlist::kTimescale;

class FolderTest : public ::testing::Test {
 protected:
  void open(std::set<std::string> expected) {
    FolderSettings settings;
    settings.publish.location = scratch_.path();
    settings.own_renditions = false;
    settings.expected = std::move(expected);
    folder_ = std::make_unique<Folder>(std::move(settings));
    add("", run("20260101T000000Z-n01-0001"));
    add("", init("source", 640, 360));
  }

  static playlist::RunRecord run(const std::string& name) { return {name, 10, 0, 0, 2000, 550}; }
  static playlist::InitRecord init(const std::string& id, uint32_t width, uint32_t height) {
    playlist::InitRecord init;
    init.id = init.file = id;
    init.length = 700;
    init.codecs = "avc1.64001f";
    init.width = width;
    init.height = height;
    return init;
  }
  static playlist::SegmentRecord segment(uint64_t msn, const std::string& id) {
    playlist::SegmentRecord segment;
    segment.msn = msn;
    segment.file = segment.init_id = id;
    segment.offset = 1000 * msn;
    segment.length = 1000;
    segment.pts = static_cast<int64_t>(msn) * kSegmentTicks;
    segment.duration = kSegmentTicks;
    return segment;
  }
  // What its encoder says.
  void tell(const std::string& rung, RenditionState state) {
    playlist::RenditionRecord told;
    told.state = state;
    told.codecs = "avc1.64000d";
    told.width = 320;
    told.height = 180;
    told.bandwidth = 400'000;
    told.average_bandwidth = 300'000;
    add(rung, told);
  }
  void begin(const std::string& rung, const std::string& run_name) {
    tell(rung, RenditionState::running);
    add(rung, run(run_name));
    add(rung, init(rung, 320, 180));
  }
  void add(const std::string& rendition, const playlist::Record& record) {
    EXPECT_TRUE(folder_->add(rendition, record));
    EXPECT_TRUE(folder_->publish(false));
  }
  bool exists(const std::string& name) const { return std::filesystem::exists(scratch_.path() + "/" + name); }
  std::string text(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(scratch_.path() + "/" + name).rdbuf();
    return out.str();
  }
  // A letter for each segment: one that can be had, or a gap; the number of the first before them.
  std::string segments(const std::string& name) const {
    std::istringstream in(text(name));
    std::string number, kinds;
    bool gap = false;
    for (std::string line; std::getline(in, line);) {
      if (const std::string tag = "#EXT-X-MEDIA-SEQUENCE:"; line.starts_with(tag))
        number = line.substr(tag.size());
      gap |= line == "#EXT-X-GAP";
      if (!line.empty() && line[0] != '#') kinds += std::exchange(gap, false) ? 'g' : 's';
    }
    return number + kinds;
  }

  const test::ScratchDirectory scratch_;
  std::unique_ptr<Folder> folder_;
};

TEST_F(FolderTest, APausedRungHasGapsUntilItIsResumed) {
  open({"180p"});
  begin("180p", "20260101T000000Z-n01-0001");
  for (uint64_t msn = 10; msn < 12; ++msn) {
    add("", segment(msn, "source"));
    add("180p", segment(msn, "180p"));
  }
  EXPECT_EQ(segments("180p.m3u8"), "10ss");
  playlist::PartRecord part;
  part.msn = 12;
  part.file = "180p";
  part.offset = 12'000;
  part.length = 100;
  part.pts = 12 * kSegmentTicks;
  part.duration = kSegmentTicks / 4;
  add("180p", part);  // of one that is not finished
  tell("180p", RenditionState::paused);
  add("180p", playlist::EndRecord{"paused"});
  for (uint64_t msn = 12; msn < 14; ++msn) {
    add("", segment(msn, "source"));
    EXPECT_EQ(segments("180p.m3u8"), msn == 12 ? "10ssg" : "10ssgg");
  }
  EXPECT_EQ(text("180p.m3u8").find("URI=\"\""), std::string::npos) << text("180p.m3u8");
  // It is still what it was.
  EXPECT_NE(text("index.m3u8").find("BANDWIDTH=400000,AVERAGE-BANDWIDTH="), std::string::npos)
      << text("index.m3u8");
  begin("180p", "20260101T000008Z-n01-0002");
  add("", segment(14, "source"));
  EXPECT_EQ(segments("180p.m3u8"), "10ssgg") << "this one may still come";
  add("180p", segment(14, "180p"));
  EXPECT_EQ(segments("180p.m3u8"), "10ssggs");
  EXPECT_EQ(segments("media.m3u8"), "10sssss");
  // Nobody counts what is not there: the same discontinuities as the source's.
  EXPECT_EQ(text("180p.m3u8").find("#EXT-X-DISCONTINUITY"), std::string::npos) << text("180p.m3u8");
}

// Of raw input: nothing of the source is published.
TEST_F(FolderTest, ASourceWithoutAPlaylistIsFollowed) {
  FolderSettings settings;
  settings.publish.location = scratch_.path();
  folder_ = std::make_unique<Folder>(std::move(settings));
  const auto follow = [&](const playlist::Record& record) {
    folder_->follow(record);
    EXPECT_TRUE(folder_->publish(false));
  };
  const auto nothing = [](uint64_t msn) {
    playlist::SegmentRecord one = segment(msn, "");
    one.offset = one.length = 0;
    return one;
  };
  begin("180p", "20260101T000000Z-n01-0001");
  follow(run("raw"));
  follow(nothing(10));
  add("180p", segment(10, "180p"));
  tell("180p", RenditionState::paused);
  add("180p", playlist::EndRecord{"paused"});
  follow(nothing(11));
  EXPECT_EQ(segments("180p.m3u8"), "10sg");
  // It begins again, at the same time.
  follow(playlist::EndRecord{"eos"});
  playlist::RunRecord again = run("raw");
  again.first_msn = 12;
  follow(again);
  follow(nothing(12));
  EXPECT_EQ(segments("180p.m3u8"), "10sgg");
  EXPECT_NE(text("180p.m3u8").find("#EXT-X-DISCONTINUITY\n"), std::string::npos) << text("180p.m3u8");
  EXPECT_FALSE(exists("media.m3u8"));
}

TEST_F(FolderTest, TheListIsWrittenWhenThereIsSomethingOfAll) {
  open({"180p", "audio"});
  begin("180p", "20260101T000000Z-n01-0001");
  add("", segment(10, "source"));
  EXPECT_TRUE(exists("media.m3u8"));
  EXPECT_FALSE(exists("180p.m3u8"));
  EXPECT_FALSE(exists("index.m3u8"));
  add("180p", segment(10, "180p"));
  EXPECT_FALSE(exists("index.m3u8"));
  folder_->forgo("audio");
  add("", segment(11, "source"));
  EXPECT_NE(text("index.m3u8").find("\nmedia.m3u8\n"), std::string::npos);
  EXPECT_NE(text("index.m3u8").find("\n180p.m3u8\n"), std::string::npos);
}

TEST_F(FolderTest, TheListDoesNotWaitForWhatIsNotEncoded) {
  open({"180p"});
  tell("180p", RenditionState::idle);
  add("", segment(10, "source"));
  EXPECT_NE(text("index.m3u8").find("\nmedia.m3u8\n"), std::string::npos);
  EXPECT_EQ(text("index.m3u8").find("180p"), std::string::npos);
  EXPECT_FALSE(exists("180p.m3u8")) << "who asks a folder changes nothing";
}

TEST_F(FolderTest, TheListDoesNotWaitForever) {
  open({"180p"});
  for (uint64_t msn = 10; msn < 10 + kMostAwaited; ++msn) {
    EXPECT_FALSE(exists("index.m3u8"));
    add("", segment(msn, "source"));
  }
  EXPECT_TRUE(exists("index.m3u8"));
}

TEST_F(FolderTest, AtTheEndTheListIsWritten) {
  open({"180p"});
  add("", segment(10, "source"));
  EXPECT_FALSE(exists("index.m3u8"));
  EXPECT_TRUE(folder_->publish(true));
  EXPECT_TRUE(exists("index.m3u8"));
}

// Own media, in files of four segments.
class OwnFolderTest : public FolderTest {
 protected:
  void open(int64_t window_ms) {
    FolderSettings settings;
    settings.publish.location = scratch_.path();
    settings.publish.window_ms = window_ms;
    settings.publish.own_media = true;
    folder_ = std::make_unique<Folder>(std::move(settings));
    add("", run("20260101T000000Z-n01-0001"));
  }
  // The media is not at the end of its link: no store writes here.
  bool is_there(const std::string& file) const {
    return std::filesystem::is_symlink(std::filesystem::symlink_status(scratch_.path() + "/" + file));
  }
  void goes_on(size_t segments) {
    for (; segments > 0; --segments, ++next_) {
      const std::string file = "file-" + std::to_string(next_ / 4);
      if (next_ % 4 == 0) add("", init(file, 640, 360));
      playlist::SegmentRecord one = segment(next_, file);
      one.pts += lost_;
      add("", one);
      std::istringstream lines(text("media.m3u8"));
      for (std::string line; std::getline(lines, line);)
        EXPECT_TRUE(line.empty() || line[0] == '#' || is_there(line)) << next_ << ": " << line;
    }
  }
  uint64_t next_ = 12;
  int64_t lost_ = 0;  // ticks
};

// RFC 8216bis, 6.2.2: there it stays listed for three target durations, here 6 s.
TEST_F(OwnFolderTest, WhatIsListedIsThereHoweverShortTheWindowIs) {
  open(500);
  goes_on(40);
  EXPECT_FALSE(is_there("file-3")) << "what has left is removed";
}

// A playlist counts what it lists, and not the time in which there was nothing.
TEST_F(OwnFolderTest, WhatIsListedIsThereBehindALongHole) {
  open(20'000);
  goes_on(8);
  lost_ = 600 * playlist::kTimescale;
  add("", playlist::EndRecord{"gap"});
  playlist::RunRecord again = run("20260101T001000Z-n01-0001");
  again.first_msn = next_;
  add("", again);
  goes_on(40);
  EXPECT_FALSE(is_there("file-3"));
}

}  // namespace
}  // namespace headgate::abrhlssink
