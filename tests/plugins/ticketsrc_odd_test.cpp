// SPDX-License-Identifier: LGPL-2.1-or-later
// Senders that do what they should not: from the connection into the archive, where an independent reader
// counts their frames.
#include <rtmp/amf0.h>
#include <rtmp/chunk_reader.h>

#include "handed_over.h"

namespace headgate::test {
namespace {

constexpr uint32_t kFrameMs = 40, kAudioMs = 23;
constexpr double kOffMs = 3;  // a sample clock that agrees with its stamps, and the file's rounding

ByteVector operator+(ByteVector front, Bytes back) {
  front.insert(front.end(), back.begin(), back.end());
  return front;
}

class OddSender : public HandedOver {
 protected:
  void SetUp() override {
    pipeline_ = std::make_unique<Pipeline>(
        "ticketsrc name=source tick-ms=10 segmentarchiver name=archive root=" + scratch_.path() +
        " source.video_0 ! archive.video source.audio_0 ! archive.audio_0");
    publisher_.hand_over(pipeline_->element("source").get());
    pipeline_->play();
  }

  void configs(uint32_t ms = 0) {
    publisher_.video_config(media_->video->config, ms);
    publisher_.audio_config(media_->audio->config, ms);
  }
  // Frames for [from, to), a key frame each `gop_ms` from `from` on; 0: none.
  void video(uint32_t from, uint32_t to, uint32_t gop_ms = 1000) {
    for (uint32_t ms = from; ms < to; ms += kFrameMs) one_video(ms, gop_ms != 0 && (ms - from) % gop_ms == 0);
  }
  void one_video(uint32_t ms, bool key) {
    const Bytes frame = video_frame(key);
    publisher_.video(key ? before_keys_ + frame : frame, ms, called_key_.value_or(key));
    sent_video_.push_back(ms);
  }
  void audio(uint32_t from, uint32_t to) {
    for (uint32_t ms = from; ms < to; ms += kAudioMs) one_audio(ms);
  }
  void one_audio(uint32_t ms) {
    publisher_.audio(audio_frame(), ms);
    sent_audio_.push_back(ms);
  }
  // The parameter sets of an avcC with one of each as NAL units behind lengths of 4 bytes.
  static ByteVector sets_of(const codec::Track& track) {
    ByteVector out;
    ByteWriter writer(out);
    ByteReader reader(track.config);
    for (const size_t before : {size_t{6}, size_t{1}}) {
      reader.skip(before);
      const Bytes set = reader.bytes(reader.u16());
      writer.u32(set.size());
      writer.bytes(set);
    }
    EXPECT_TRUE(reader.ok());
    return out;
  }
  // Both, as an encoder interleaves them.
  void both(uint32_t from, uint32_t to) {
    uint32_t next_audio = from;
    for (uint32_t ms = from; ms < to; ms += kFrameMs) {
      one_video(ms, (ms - from) % 1000 == 0);
      for (; next_audio < ms + kFrameMs; next_audio += kAudioMs) one_audio(next_audio);
    }
  }
  // What onMetaData says: a codec's number, or 0 for "none"; nothing: the field is not there.
  void metadata(std::optional<double> video, std::optional<double> audio, double width = 640) {
    ByteVector amf;
    rtmp::AmfWriter writer(amf);
    writer.string("@setDataFrame").string("onMetaData").begin_object().key("width").number(width);
    if (video) writer.key("videocodecid").number(*video);
    if (audio) writer.key("audiocodecid").number(*audio);
    writer.end();
    publisher_.message(rtmp::kDataAmf0, 0, amf);
  }
  uint64_t archived() {
    GstStructure* raw = nullptr;
    g_object_get(pipeline_->element("archive").get(), "stats", &raw, nullptr);
    const gst::StructurePtr stats(raw);
    guint64 value = 0;
    EXPECT_TRUE(gst_structure_get_uint64(raw, "frames", &value));
    return value;
  }
  std::vector<std::string> files() { return files_under(scratch_.path(), ".mp4"); }
  // Ends the session; every frame that was sent is in the archive, at its time.
  void expect_all() {
    publisher_.unpublish();
    EXPECT_EQ(close_reason(), "unpublish");
    ASSERT_TRUE(pipeline_->wait_eos());
    pipeline_->stop();
    expect_times(codec::Kind::video, sent_video_);
    expect_times(codec::Kind::audio, sent_audio_);
    EXPECT_EQ(files_under(scratch_.path(), "run.jl").size(), 1u);
  }
  // Of all files, by decoding time.
  std::vector<Packet> kept(codec::Kind kind) {
    std::vector<Packet> packets;
    for (const std::string& file : files())
      for (const Packet& packet : probe_packets(file))
        if (packet.kind == kind) packets.push_back(packet);
    std::sort(packets.begin(), packets.end(), [](const Packet& a, const Packet& b) { return a.dts < b.dts; });
    return packets;
  }
  // Pictures each second are key frames in the archive, whatever the sender called them, and that is told.
  void expect_true_keys(const char* told) {
    const std::vector<Packet> pictures = kept(codec::Kind::video);
    for (size_t i = 0; i < pictures.size(); ++i) ASSERT_EQ(pictures[i].key, i * kFrameMs % 1000 == 0) << i;
    const std::string line = std::string(R"("track":"video","kind":")") + told;
    EXPECT_EQ(chain_lines(scratch_.path(), line + R"(","count":1,)"), 1u) << "the first at once";
    EXPECT_EQ(chain_lines(scratch_.path(), line), 2u) << "the others when the session ends";
    EXPECT_EQ(chain_lines(scratch_.path(), R"("t":"repair")"), 2u);
  }
  // Since the earliest of both tracks.
  void expect_times(codec::Kind kind, const std::vector<uint32_t>& sent_ms) {
    const std::vector<Packet> packets = kept(kind);
    ASSERT_EQ(packets.size(), sent_ms.size()) << "of kind " << static_cast<int>(kind);
    for (size_t i = 0; i < sent_ms.size(); ++i)
      ASSERT_NEAR(static_cast<double>(packets[i].dts) * 1e3 / static_cast<double>(timescale(kind)),
                  sent_ms[i], kOffMs)
          << "frame " << i << " of kind " << static_cast<int>(kind);
  }

  ScratchDirectory scratch_;
  std::vector<uint32_t> sent_video_, sent_audio_;  // ms
  ByteVector before_keys_;                         // NAL units in front of each key frame
  std::optional<bool> called_key_;                 // what every picture is called, whatever it is
};

TEST_F(OddSender, NoAudioThoughItIsAnnounced) {
  metadata(7, 10);
  publisher_.video_config(media_->video->config);
  video(0, 6000);
  expect_all();
}

TEST_F(OddSender, NoAudioThoughItsConfigurationCame) {
  metadata(7, 10);
  configs();
  video(0, 6000);
  EXPECT_TRUE(eventually([&] { return archived() > 50; })) << "audio is not waited for until the end";
  expect_all();
}

TEST_F(OddSender, NoVideoThoughItIsAnnounced) {
  metadata(7, 10);
  publisher_.audio_config(media_->audio->config);
  audio(0, 6000);
  expect_all();
}

TEST_F(OddSender, NothingIsAnnouncedAndBothCome) {
  metadata(0, 0);
  configs();
  both(0, 4000);
  expect_all();
}

TEST_F(OddSender, OnlyAudioIsAnnouncedAndBothCome) {
  metadata({}, 10);
  configs();
  both(0, 4000);
  expect_all();
}

TEST_F(OddSender, AudioFirst) {
  publisher_.audio_config(media_->audio->config);
  audio(0, 500);
  publisher_.video_config(media_->video->config, 500);
  both(500, 4000);
  expect_all();
}

TEST_F(OddSender, VideoSecondsLater) {
  publisher_.audio_config(media_->audio->config);
  audio(0, 5000);
  ASSERT_TRUE(eventually([&] { return archived() > 0; }));
  publisher_.video_config(media_->video->config, 5000);
  both(5000, 9000);
  expect_all();
}

TEST_F(OddSender, AudioSecondsLater) {
  metadata(7, {});
  publisher_.video_config(media_->video->config);
  video(0, 5000);
  ASSERT_TRUE(eventually([&] { return archived() > 0; }));
  publisher_.audio_config(media_->audio->config, 5000);
  both(5000, 9000);
  expect_all();
}

TEST_F(OddSender, AudioVanishes) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  video(2000, 20'000);
  EXPECT_TRUE(eventually([&] { return archived() > sent_audio_.size() + 300; }))
      << "the archive waits for audio";
  expect_all();
}

TEST_F(OddSender, VideoVanishes) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  audio(2000 + kAudioMs, 20'000);
  EXPECT_TRUE(eventually([&] { return archived() > sent_video_.size() + 500; }))
      << "the archive waits for video";
  expect_all();
}

TEST_F(OddSender, AudioVanishesAndComesBack) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  video(2000, 12'000);
  both(12'000, 15'000);
  expect_all();
}

// Far behind, it throws away the pictures that it has queued, and keeps the sound.
TEST_F(OddSender, VideoComesBackWhereAudioIs) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  audio(2000 + kAudioMs, 13'000);
  both(13'000, 15'000);
  expect_all();
}

TEST_F(OddSender, MetadataRepeatsAndChangesItsMind) {
  configs();
  for (uint32_t ms = 0; ms < 6000; ms += 1000) {
    metadata(ms % 2000 == 0 ? 7 : 0, ms % 3000 == 0 ? 0 : 10, 640 + ms);
    metadata(7, 10);
    metadata(7, 10);
    both(ms, ms + 1000);
  }
  expect_all();
}

TEST_F(OddSender, ParameterSetsChangeInMidStream) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  publisher_.video_config(other_->video->config, 2000);
  uint32_t ms = 2000;
  for (const Packet& packet : other_->packets) {
    publisher_.video(packet.data, ms, packet.key);
    sent_video_.push_back(ms);
    audio(ms, ms + kFrameMs);
    ms += kFrameMs;
  }
  publisher_.video_config(media_->video->config, ms);
  both(ms, ms + 2000);
  expect_all();
  EXPECT_EQ(files().size(), 3u) << "each picture size has an init segment of its own";
}

// The same without a sequence header that says so: an encoder that was told another size by itself.
TEST_F(OddSender, ParameterSetsChangeInTheStreamAlone) {
  before_keys_ = sets_of(*media_->video);
  metadata(7, 10);
  configs();
  both(0, 2000);
  uint32_t ms = 2000;
  for (const Packet& packet : other_->packets) {
    const ByteVector sets = packet.key ? sets_of(*other_->video) : ByteVector();
    publisher_.video(sets + packet.data, ms, packet.key);
    sent_video_.push_back(ms);
    audio(ms, ms + kFrameMs);
    ms += kFrameMs;
  }
  both(ms, ms + 2000);
  expect_all();
  EXPECT_EQ(files().size(), 3u) << "each picture size has an init segment of its own";
}

TEST_F(OddSender, EachPictureIsCalledAKeyFrame) {
  called_key_ = true;
  metadata(7, 10);
  configs();
  both(0, 4000);
  expect_all();
  expect_true_keys("false-key");
}

TEST_F(OddSender, NoPictureIsCalledAKeyFrame) {
  called_key_ = false;
  metadata(7, 10);
  configs();
  both(0, 4000);
  expect_all();
  expect_true_keys("hidden-key");
}

TEST_F(OddSender, TenSecondGops) {
  metadata(7, {});
  publisher_.video_config(media_->video->config);
  video(0, 40'000, 10'000);
  expect_all();
}

TEST_F(OddSender, NoKeyFrameForAMinute) {
  metadata(7, {});
  publisher_.video_config(media_->video->config);
  video(0, 1000);
  video(1000, 61'000, 0);
  EXPECT_TRUE(eventually([&] { return archived() > 1000; })) << "what there is, is archived meanwhile";
  video(61'000, 63'000);
  expect_all();
}

// Nobody can decode what comes before the first key frame. It was received all the same.
TEST_F(OddSender, NoKeyFrameForTheFirstMinute) {
  metadata(7, 10);
  configs();
  for (uint32_t ms = 0; ms < 60'000; ms += kFrameMs) {
    one_video(ms, false);
    audio(ms, ms + kFrameMs);
  }
  EXPECT_TRUE(eventually([&] { return archived() > 1000; }));
  both(60'000, 62'000);
  expect_all();
}

TEST_F(OddSender, ChunksOf128Bytes) {
  publisher_.chunk_size(128);
  metadata(7, 10);
  configs();
  both(0, 4000);
  expect_all();
}

TEST_F(OddSender, EmptyFramesAndSilence) {
  metadata(7, 10);
  configs();
  for (uint32_t ms = 0; ms < 4000; ms += 1000) {
    both(ms, ms + 1000);
    publisher_.message(rtmp::kAudio, ms + 990, {});
    publisher_.message(rtmp::kVideo, ms + 990, {});
    publisher_.video({}, ms + 990, false);
    publisher_.video({}, ms + 990, true);
    publisher_.audio({}, ms + 990);
  }
  expect_all();
}

TEST_F(OddSender, AnUnknownCodecBesideAKnownOne) {
  metadata(7, 2);
  publisher_.video_config(media_->video->config);
  const std::byte mp3[] = {std::byte{0x2f}, std::byte{0xff}, std::byte{0xfb}};
  for (uint32_t ms = 0; ms < 4000; ms += 1000) {
    publisher_.message(rtmp::kAudio, ms, mp3);
    video(ms, ms + 1000);
  }
  expect_all();
}

TEST_F(OddSender, ATrackChangesToAnUnknownCodec) {
  metadata(7, 10);
  configs();
  both(0, 2000);
  const std::byte mp3[] = {std::byte{0x2f}, std::byte{0xff}, std::byte{0xfb}};
  for (uint32_t ms = 2000; ms < 6000; ms += 1000) {
    publisher_.message(rtmp::kAudio, ms, mp3);
    video(ms, ms + 1000);
  }
  expect_all();
}

TEST_F(OddSender, ConfigurationsThatCannotBeRead) {
  metadata(7, 10);
  const std::byte garbage[] = {std::byte{9}, std::byte{9}, std::byte{9}};
  publisher_.video_config(garbage);
  publisher_.audio_config(media_->audio->config);
  for (uint32_t ms = 0; ms < 2000; ms += 40) publisher_.video(video_frame(), ms, true);  // of nothing known
  audio(0, 2000);
  publisher_.video_config(media_->video->config, 2000);
  both(2000, 4000);
  expect_all();
}

}  // namespace
}  // namespace headgate::test
