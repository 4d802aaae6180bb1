// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <load/clip.h>
#include <rtmp/chunk_reader.h>

#include <algorithm>
#include <map>
#include <tuple>

#include <base/encoding.h>

#include "flv_sample.h"

namespace headgate::load {
namespace {

constexpr uint32_t kChunk = 128;

// Video at 21, 61, 101, … with a key frame every second one; audio every 20 ms from 0 on. The picture begins
// later than the sound, as in ffmpeg's files.
ByteVector sample(int video_frames = 4, int audio_frames = 20) {
  ByteVector flv = flv_header();
  tag(flv, 18, 0, as_bytes("meta"));
  tag(flv, 9, 0, body({0x17, 0, 0, 0, 0, 1, 0x64}));
  tag(flv, 8, 0, body({0xaf, 0, 0x11, 0x90}));
  for (int i = 0, v = 0; i < audio_frames; ++i) {
    uint32_t time = static_cast<uint32_t>(i) * 20;
    while (v < video_frames && 21 + 40 * v <= i * 20) {
      tag(flv, 9, static_cast<uint32_t>(21 + 40 * v),
          body({v % 2 == 0 ? 0x17 : 0x27, 1, 0, 0, 0}, 300, static_cast<uint8_t>(v)));
      ++v;
    }
    tag(flv, 8, time, body({0xaf, 1}, 20, static_cast<uint8_t>(i)));
  }
  return flv;
}

// Time, type and the body's last byte of every message of a session.
class Sink : public rtmp::MessageSink {
 public:
  std::span<std::byte> begin(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix) override {
    return open_[csid] = ByteVector(header.length - prefix.size());
  }
  void complete(uint32_t csid, const rtmp::MessageHeader& header, Bytes prefix,
                std::span<std::byte> payload) override {
    prefixes.push_back(to_hex(prefix));
    if (header.type != rtmp::kDataAmf0)
      seen.emplace_back(header.timestamp, header.type,
                        payload.empty() ? -1 : std::to_integer<int>(payload.back()));
    stream_ids.push_back(header.stream_id);
    open_.erase(csid);
  }
  void abandon(uint32_t csid) override { open_.erase(csid); }
  std::vector<std::tuple<uint32_t, int, int>> seen;
  std::vector<uint32_t> stream_ids;
  std::vector<std::string> prefixes;  // the codecs' headers

 private:
  std::map<uint32_t, ByteVector> open_;
};

// What a server gets from a session that begins at `first` and sends `count` messages.
Sink play(const Clip& clip, uint32_t first, size_t count) {
  ByteVector bytes{std::byte{2}};  // Set Chunk Size, as the client sends it
  ByteWriter writer(bytes);
  writer.u24(0);
  writer.u24(4);
  writer.u8(rtmp::kSetChunkSize);
  writer.u32(0);
  writer.u32(kChunk);
  writer.bytes(clip.prologue(7, first));
  for (size_t i = 0; i < count; ++i) {
    const Clip::Message& message = clip.messages()[(first + i) % clip.messages().size()];
    writer.bytes(clip.chunks().subspan(message.offset, message.size));
  }
  Sink sink;
  rtmp::ChunkReader reader;
  auto fed = reader.feed(bytes, sink);
  EXPECT_TRUE(fed) << fed.error().message;
  return sink;
}

TEST(Clip, IsCutToTheVideo) {
  auto clip = Clip::parse(sample(), kChunk);
  ASSERT_TRUE(clip) << clip.error().message;
  EXPECT_EQ(clip->length_ms(), 160);
  // Audio at 40 … 180 ms; what came before the first key frame and after the last frame's end is left out.
  ASSERT_EQ(clip->messages().size(), 4u + 8u);
  EXPECT_TRUE(clip->messages()[0].keyframe);
  EXPECT_EQ(clip->keyframes().size(), 2u);
  EXPECT_EQ(clip->messages()[1].time_ms, 19u);
  uint32_t end = 0;
  for (const Clip::Message& message : clip->messages()) {
    EXPECT_EQ(message.offset, end);
    end += message.size;
  }
  EXPECT_EQ(end, clip->chunks().size());
}

TEST(Clip, EnhancedItIsSentByFourcc) {
  auto legacy = Clip::parse(sample(), kChunk), enhanced = Clip::parse(sample(), kChunk, true);
  ASSERT_TRUE(legacy && enhanced);
  const size_t count = legacy->messages().size();
  const Sink before = play(*legacy, 0, count), after = play(*enhanced, 0, count);
  EXPECT_EQ(before.seen, after.seen) << "the same frames at the same times";
  // Sequence headers of video and audio behind the metadata, then the key frame.
  ASSERT_GE(after.prefixes.size(), 4u);
  EXPECT_EQ(after.prefixes[1], "9061766331");
  EXPECT_EQ(after.prefixes[2], "906d703461");
  EXPECT_EQ(after.prefixes[3], "9161766331000000");
  EXPECT_EQ(std::count(after.prefixes.begin(), after.prefixes.end(), "916d703461"), 8);
  EXPECT_EQ(std::count(after.prefixes.begin(), after.prefixes.end(), "a161766331000000"), 2);
}

TEST(Clip, TimesGoOnOverLoopsFromAnyKeyFrame) {
  auto clip = Clip::parse(sample(), kChunk);
  ASSERT_TRUE(clip);
  for (uint32_t first : clip->keyframes()) {
    Sink sink = play(*clip, first, 3 * clip->messages().size() + 5);
    std::map<int, uint32_t> last;
    std::map<int, int> count;
    // One frame before: the sequence headers' times are those of the frames before the first.
    for (auto [time, type, value] : sink.seen) {
      int64_t step = type == rtmp::kVideo ? 40 : 20;
      if (count[type]++ > 0) {
        EXPECT_EQ(time, last[type] + step) << "type " << type;
      }
      last[type] = time;
    }
    // The first frames of both: as far apart as in the file, 19 ms.
    auto first_of = [&](int type) {
      int n = 0;
      for (auto [time, of, value] : sink.seen)
        if (of == type && n++ == 1) return int64_t{time};
      return int64_t{-1};
    };
    EXPECT_EQ(first_of(rtmp::kAudio) - first_of(rtmp::kVideo), 19);
    for (uint32_t id : sink.stream_ids) EXPECT_EQ(id, 7u);
  }
}

TEST(Clip, CountsWhatASessionSent) {
  auto clip = Clip::parse(sample(), kChunk);
  ASSERT_TRUE(clip);
  for (uint32_t first : clip->keyframes()) {
    for (uint64_t count = 0; count < 40; ++count) {
      uint64_t video = 0, audio = 0;
      for (uint64_t i = 0; i < count; ++i)
        (clip->messages()[(first + i) % clip->messages().size()].video ? video : audio)++;
      Clip::Counts counts = clip->count(first, count);
      EXPECT_EQ(counts.video, video);
      EXPECT_EQ(counts.audio, audio);
    }
  }
}

TEST(Clip, WithoutAudio) {
  ByteVector flv = sample();
  // The sound's sequence header becomes something to ignore.
  const ByteVector header = body({0xaf, 0, 0x11, 0x90});
  auto at = std::search(flv.begin(), flv.end(), header.begin(), header.end());
  ASSERT_NE(at, flv.end());
  *(at - 11) = std::byte{15};
  auto clip = Clip::parse(flv, kChunk);
  ASSERT_TRUE(clip) << clip.error().message;
  EXPECT_FALSE(clip->has_audio());
  EXPECT_EQ(clip->messages().size(), 4u);
  Sink sink = play(*clip, 0, 8);
  EXPECT_EQ(sink.seen.size(), 1u + 8u);
}

TEST(Clip, RefusesWhatItCannotSend) {
  EXPECT_FALSE(Clip::parse(as_bytes("RIFF"), kChunk));
  EXPECT_FALSE(Clip::parse(as_bytes("FLV"), kChunk));
  EXPECT_FALSE(Clip::parse(sample(0), kChunk));
  ByteVector mp3 = sample();
  tag(mp3, 8, 500, body({0x2f, 1}, 20));
  EXPECT_FALSE(Clip::parse(mp3, kChunk));
  ByteVector cut = sample();
  cut.resize(cut.size() - 7);  // in the last tag: only that one is missing
  EXPECT_TRUE(Clip::parse(cut, kChunk));
}

}  // namespace
}  // namespace headgate::load
