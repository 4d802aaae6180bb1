// SPDX-License-Identifier: LGPL-2.1-or-later
// Every description in pipelines/ that is for sessions: one runs through it whatever tracks it has. (The
// others: tests/tools/pipeline/run_test.py.)
#include <filesystem>

#include "pipeline/description.h"
#include "plugins/publisher.h"

namespace headgate::test {
namespace {

std::vector<std::string> descriptions() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(PIPELINES)) {
    if (entry.path().extension() != ".json") continue;
    auto description = pipeline::Description::load(entry.path().string());
    // A wrong one is a case, so that it is told.
    if (!description || description->trigger() == pipeline::Trigger::ticket)
      files.push_back(entry.path().string());
  }
  return files;
}

struct Tracks {
  const char* name;
  bool video, audio;
};
void PrintTo(const Tracks& tracks, std::ostream* out) {
  *out << tracks.name;
}

class Description : public ::testing::TestWithParam<std::tuple<std::string, Tracks>> {
 protected:
  std::string launch_line() {
    auto loaded = pipeline::Description::load(std::get<0>(GetParam()));
    EXPECT_TRUE(loaded) << loaded.error().message;
    if (!loaded) return {};
    pipeline::Values values = {{"root", scratch_.path()}, {"node", "n01"}};
    has_ladder_ = loaded->has_parameter("rungs");
    if (has_ladder_) values["rungs"] = "64p@100k,audio@64k";
    auto line = loaded->launch_line(values);
    EXPECT_TRUE(line) << line.error().message;
    return line ? *line : "";
  }
  ScratchDirectory scratch_;
  bool has_ladder_ = false;
};

TEST_P(Description, RunsASession) {
  const Tracks tracks = std::get<1>(GetParam());
  std::string sources, encoders;
  if (tracks.video)
    sources += " -f lavfi -i testsrc2=s=160x120:r=25", encoders += " -c:v libx264 -bf 0 -g 25";
  if (tracks.audio) sources += " -f lavfi -i sine=r=48000", encoders += " -c:a aac";
  const MediaFile media = encode(sources + " -t 3" + encoders);
  AdmittedPublisher publisher;
  Pipeline pipeline(launch_line());
  publisher.hand_over(pipeline.element("source").get());
  pipeline.play();
  publisher.metadata(tracks.video, tracks.audio);
  publisher.file(media);
  publisher.unpublish();
  ASSERT_TRUE(pipeline.wait_eos());
  EXPECT_GT(pipeline.count(Pipeline::is_element("headgate-records")), 0);
  pipeline.stop();
  // As it was sent: a ladder's renditions are beside it.
  const auto files = files_under(scratch_.path() + "/lta", ".mp4");
  size_t video = 0, audio = 0;
  for (const Packet& packet : media.packets) ++(packet.kind == codec::Kind::video ? video : audio);
  EXPECT_EQ(count_packets(files, codec::Kind::video), video);
  EXPECT_EQ(count_packets(files, codec::Kind::audio), audio);
  EXPECT_EQ(chain_lines(scratch_.path() + "/lta", "\"reason\":\"unpublish\""), 1u);
  EXPECT_EQ(chain_lines(scratch_.path() + "/lta", "\"station\":12"), 1u);
  if (!has_ladder_) return;
  EXPECT_EQ(chain_lines(scratch_.path() + "/derived/64p", "\"reason\":\"unpublish\""),
            tracks.video ? 1u : 0u);
  EXPECT_EQ(chain_lines(scratch_.path() + "/derived/audio-64k", "\"reason\":\"unpublish\""),
            tracks.audio ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Pipelines, Description,
                         ::testing::Combine(::testing::ValuesIn(descriptions()),
                                            ::testing::Values(Tracks{"both", true, true},
                                                              Tracks{"video", true, false},
                                                              Tracks{"audio", false, true})),
                         [](const auto& info) {
                           return std::filesystem::path(std::get<0>(info.param)).stem().string() + "_" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace headgate::test
