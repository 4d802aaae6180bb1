// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything that stock clients sent over SRT, through the transport stream's reader: every access unit as it
// was in the client's file, however the bytes are cut.
#include <gtest/gtest.h>

#include <cstdlib>

#include <base/encoding.h>
#include <mpegts/demuxer.h>

#include "replay.h"

namespace headgate::corpus {
namespace {

constexpr size_t kLargestMessage = 1316;              // seven packets of TS
constexpr int64_t kTicks = mpegts::kTimeRate / 1000;  // of a millisecond, the unit of the client's file

class Media : public mpegts::Sink {
 public:
  Found video, audio;
  std::optional<codec::Track> video_track, audio_track;
  int losses = 0;

  void on_program(std::span<mpegts::Stream> streams) override {
    for (mpegts::Stream& stream : streams) stream.taken = stream.codec.has_value();
  }
  void on_config(uint16_t pid, const codec::Track& track) override {
    const bool is_video = track.kind == codec::Kind::video;
    (is_video ? video_pid_ : audio_pid_) = pid;
    (is_video ? video_track : audio_track) = track;
    ++(is_video ? video : audio).configs;
  }
  void on_problem(uint16_t pid, const std::string& problem) override {
    ADD_FAILURE() << "stream " << pid << ": " << problem;
  }
  std::span<std::byte> begin(const mpegts::Unit& unit) override {
    room_.resize(unit.size);
    return room_;
  }
  void complete(const mpegts::Unit& unit, std::span<std::byte> data) override {
    EXPECT_TRUE(unit.dts.has_value());
    losses += unit.after_loss;
    Found& found = unit.pid == video_pid_ ? video : audio;
    found.frame(static_cast<int64_t>(unit.dts.value_or(0)), unit.key);
    found.bytes.update(data);
  }

 private:
  std::optional<uint16_t> video_pid_, audio_pid_;
  ByteVector room_;
};

void expect_track(const std::string& what, const std::optional<Track>& sent, Found& found) {
  SCOPED_TRACE(what);
  ASSERT_EQ(found.configs > 0, sent.has_value());
  if (!sent) return;
  EXPECT_EQ(found.configs, 1U);
  ASSERT_GE(found.frames, 1U);
  if (sent->frames) {
    ASSERT_EQ(found.frames, *sent->frames);
  }
  if (sent->keys) {
    EXPECT_EQ(found.keys, *sent->keys);
  }
  if (sent->first_dts_ms && sent->last_dts_ms) {
    // The file has whole milliseconds, and a muxer counts sound in samples from one of them.
    const auto took = static_cast<double>(kTicks * (*sent->last_dts_ms - *sent->first_dts_ms));
    EXPECT_NEAR(static_cast<double>(*found.last_dts - *found.first_dts), took, kTicks);
  }
  if (sent->sha256.empty()) return;
  EXPECT_EQ(to_hex(found.bytes.finish()), sent->sha256);
}

void expect_apart(const Recording& recording, const Media& media) {
  const auto &video = recording.video, &audio = recording.audio;
  if (!video || !audio || !video->first_dts_ms || !audio->first_dts_ms) return;
  ASSERT_TRUE(media.video.first_dts && media.audio.first_dts);
  const auto apart = static_cast<double>(kTicks * (*audio->first_dts_ms - *video->first_dts_ms));
  EXPECT_NEAR(static_cast<double>(*media.audio.first_dts - *media.video.first_dts), apart, kTicks);
}

void expect_numbers(const std::optional<Track>& sent, const std::optional<codec::Track>& found) {
  if (!sent || !found) return;
  const std::map<std::string, double> known = {{"width", found->width},
                                               {"height", found->height},
                                               {"sample_rate", found->sample_rate},
                                               {"channels", found->channels}};
  for (const auto& [name, value] : sent->numbers) EXPECT_EQ(known.at(name), value) << name;
}

class Srt : public testing::TestWithParam<std::string> {};

TEST_P(Srt, EveryUnitComesOut) {
  const Recording recording = load(CORPUS, GetParam());
  ASSERT_EQ(recording.connections.size(), 1U);
  for (Cut cut : kCuts) {
    for (uint32_t seed = 1; seed <= (cut == Cut::random ? 8U : 1U); ++seed) {
      SCOPED_TRACE(std::string(name_of(cut)) + ", seed " + std::to_string(seed));
      Media media;
      mpegts::Demuxer demuxer(media);
      feed(recording.connections[0], cut, seed, [&](Bytes piece) {
        demuxer.feed(piece);
        return true;
      });
      demuxer.flush();
      expect_track("video", recording.video, media.video);
      expect_track("audio", recording.audio, media.audio);
      EXPECT_EQ(media.losses, 0);
      expect_numbers(recording.video, media.video_track);
      expect_numbers(recording.audio, media.audio_track);
      expect_apart(recording, media);
    }
  }
}

// What the relay between gate and session counts on (srt/relay.h).
TEST_P(Srt, MessagesAreWholePackets) {
  const Recording recording = load(CORPUS, GetParam());
  for (const ByteVector& message : recording.connections.at(0)) {
    EXPECT_EQ(message.size() % mpegts::kPacketBytes, 0U);
    EXPECT_LE(message.size(), kLargestMessage);
    EXPECT_EQ(message[0], mpegts::kSyncByte);
  }
}

std::vector<std::string> recordings() {
  std::vector<std::string> out;
  for (const std::string& name : names(CORPUS))
    if (name.rfind("srt", 0) == 0) out.push_back(name);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Srt, testing::ValuesIn(recordings()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
});

}  // namespace
}  // namespace headgate::corpus
