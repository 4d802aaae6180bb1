// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading back: whole files, files cut anywhere, and files that are something else.
#include <gtest/gtest.h>
#include <unistd.h>

#include <random>

#include <base/io.h>
#include <fmp4/reader.h>

#include "tracks.h"

namespace headgate::fmp4 {
namespace {

using codec::Kind;

struct File {
  ByteVector bytes;
  std::vector<ChunkInfo> chunks;
};

// Random frames of both tracks; what the walker is to find is computed from them.
File random_file(uint32_t seed) {
  std::mt19937 random(seed);
  const auto up_to = [&](int n) { return static_cast<int>(random() % static_cast<uint32_t>(n + 1)); };
  const Presentation presentation{test::video_track(), test::audio_track()};
  File file{init_segment(presentation).value(), {}};
  Packager packager(presentation, {.part_ms = 100 + up_to(400), .segment_ms = 500 + up_to(2000)});
  static const ByteVector payload(3000, std::byte{0xa5});
  uint32_t sequence = 1;
  const auto drain = [&] {
    while (const std::optional<Part> part = packager.next_part()) {
      size_t first = 0;
      for (const Chunk& chunk : part->chunks) {
        ChunkInfo info;
        info.offset = file.bytes.size() + chunk.offset;
        info.length = chunk.length;
        info.track_id = chunk.track_id;
        info.sequence = sequence++;
        const Kind kind = chunk.track_id == kVideoTrackId ? Kind::video : Kind::audio;
        info.decode_time = static_cast<uint64_t>(part->units[first].dts);
        info.earliest_pts = part->units[first].pts;
        info.first_is_sync = part->units[first].key || kind == Kind::audio;
        for (; first < part->units.size() && part->units[first].kind == kind; ++first, ++info.samples)
          info.earliest_pts = std::min(info.earliest_pts, part->units[first].pts);
        file.chunks.push_back(info);
      }
      const ByteVector bytes = test::joined(*part);
      file.bytes.insert(file.bytes.end(), bytes.begin(), bytes.end());
    }
  };
  int64_t dts[2] = {up_to(1000), up_to(1000)};
  for (int i = 0; i < 300; ++i) {
    const bool video = up_to(2) == 0;
    AccessUnit unit;
    unit.kind = video ? Kind::video : Kind::audio;
    unit.dts = dts[video];
    unit.pts = unit.dts + (video ? 1000 * (up_to(6) - 2) : 0);
    unit.key = video && up_to(9) == 0;
    unit.data = Bytes(payload).first(static_cast<size_t>(1 + up_to(up_to(3) == 0 ? 2999 : 20)));
    EXPECT_TRUE(packager.push(std::move(unit)));
    drain();
    dts[video] += video ? 1 + up_to(9000) : 1024;
  }
  packager.flush();
  drain();
  return file;
}

TEST(ChunkWalker, FindsWhatWasWritten) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    const File file = random_file(seed);
    const Source source = source_of(file.bytes);
    const Result<InitInfo> init = read_init(source);
    ASSERT_TRUE(init);
    ChunkWalker walker(source, init->length);
    for (const ChunkInfo& expected : file.chunks) {
      std::optional<ChunkInfo> found = walker.next();
      ASSERT_TRUE(found) << walker.reason();
      found->duration = 0;  // looked at by its sum below
      EXPECT_EQ(*found, expected);
    }
    EXPECT_FALSE(walker.next());
    EXPECT_EQ(walker.end(), WalkEnd::complete);
    EXPECT_EQ(walker.reason(), "");
    EXPECT_EQ(walker.position(), file.bytes.size());
    EXPECT_FALSE(walker.next()) << "asking again changes nothing";
  }
}

TEST(ChunkWalker, AnyCutLeavesTheWholeChunksBefore) {
  const File file = random_file(7);
  const uint64_t init = read_init(source_of(file.bytes))->length;
  size_t whole = 0;
  for (uint64_t length = init; length <= file.bytes.size(); ++length) {
    while (whole < file.chunks.size() && file.chunks[whole].offset + file.chunks[whole].length <= length)
      ++whole;
    if (length % 7 != 0 && length != file.bytes.size()) continue;  // every seventh, for time
    const Source source = source_of(Bytes(file.bytes).first(length));
    ChunkWalker walker(source, init);
    size_t found = 0;
    while (walker.next()) ++found;
    ASSERT_EQ(found, whole) << length;
    const uint64_t end = whole == 0 ? init : file.chunks[whole - 1].offset + file.chunks[whole - 1].length;
    EXPECT_EQ(walker.position(), end);
    EXPECT_EQ(walker.end(), end == length ? WalkEnd::complete : WalkEnd::cut_off) << walker.reason();
  }
}

TEST(ReadSamples, AreTheFramesInOrder) {
  const File file = random_file(11);
  const Source source = source_of(file.bytes);
  ChunkWalker walker(source, read_init(source)->length);
  while (const std::optional<ChunkInfo> chunk = walker.next()) {
    const Result<std::vector<SampleInfo>> samples = read_samples(source, *chunk);
    ASSERT_TRUE(samples) << samples.error().message;
    ASSERT_EQ(samples->size(), chunk->samples);
    EXPECT_EQ(samples->front().is_sync, chunk->first_is_sync);
    uint64_t at = samples->front().offset;
    int64_t earliest = samples->front().pts, decoded = samples->front().dts;
    EXPECT_EQ(decoded, static_cast<int64_t>(chunk->decode_time));
    for (const SampleInfo& sample : *samples) {
      EXPECT_GE(sample.dts, decoded);
      EXPECT_LE(sample.dts, static_cast<int64_t>(chunk->decode_time + chunk->duration));
      decoded = sample.dts;
      EXPECT_EQ(sample.offset, at);
      at += sample.size;
      earliest = std::min(earliest, sample.pts);
    }
    EXPECT_EQ(at, chunk->offset + chunk->length);
    EXPECT_EQ(earliest, chunk->earliest_pts);
  }
  EXPECT_FALSE(read_samples(source, ChunkInfo{.offset = 3, .length = 100}));
  EXPECT_FALSE(read_samples(source, ChunkInfo{.offset = file.bytes.size() + 1, .length = 100}));
}

// After a power cut a file may have its length but not its bytes.
TEST(ChunkWalker, ZerosAreDamageAndNotTheEnd) {
  File file = random_file(3);
  const uint64_t end = file.bytes.size();
  file.bytes.resize(end + 4096);
  const Source source = source_of(file.bytes);
  ChunkWalker walker(source, read_init(source)->length);
  while (walker.next()) {
  }
  EXPECT_EQ(walker.position(), end);
  EXPECT_EQ(walker.end(), WalkEnd::damaged);
  EXPECT_EQ(walker.reason(), "at byte " + std::to_string(end) + ": no box (size 0)");
}

TEST(ChunkWalker, OtherBoxesBetweenChunks) {
  const File file = random_file(4);
  const ChunkInfo& first = file.chunks.front();
  ByteVector bytes;
  ByteWriter out(bytes);
  out.u32(16);
  out.text("styp12345678");
  out.u32(8);
  out.text("free");
  out.bytes(Bytes(file.bytes).subspan(first.offset, first.length));
  out.u32(8);
  out.text("abcd");
  const Source source = source_of(bytes);
  ChunkWalker walker(source, 0);
  const std::optional<ChunkInfo> found = walker.next();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, 24u);
  EXPECT_FALSE(walker.next());
  EXPECT_EQ(walker.end(), WalkEnd::damaged);
  EXPECT_EQ(walker.reason(),
            "at byte " + std::to_string(24 + first.length) + ": 'abcd' where a chunk should begin");
}

TEST(ChunkWalker, AMoofThatLiesAboutItsMdat) {
  File file = random_file(5);
  const ChunkInfo& first = file.chunks.front();
  const auto moof_size = static_cast<ptrdiff_t>(ByteReader(Bytes(file.bytes).subspan(first.offset)).u32());
  file.bytes[first.offset + static_cast<size_t>(moof_size) + 3] ^= std::byte{1};
  const Source source = source_of(file.bytes);
  ChunkWalker walker(source, read_init(source)->length);
  EXPECT_FALSE(walker.next());
  EXPECT_EQ(walker.end(), WalkEnd::damaged);
  EXPECT_TRUE(walker.reason().ends_with("mdat is not what the moof says")) << walker.reason();
}

TEST(ChunkWalker, ReadsFilesAndTellsWhenItCannot) {
  const File file = random_file(6);
  char name[] = "/tmp/headgate-walker-XXXXXX";
  const UniqueFd fd(::mkstemp(name));
  ASSERT_TRUE(write_all(fd.get(), file.bytes));
  ::unlink(name);
  const Result<Source> source = source_of_file(fd.get());
  ASSERT_TRUE(source);
  EXPECT_EQ(source->size, file.bytes.size());
  ChunkWalker walker(*source, read_init(*source)->length);
  size_t found = 0;
  while (walker.next()) ++found;
  EXPECT_EQ(found, file.chunks.size());
  EXPECT_EQ(walker.end(), WalkEnd::complete);

  EXPECT_FALSE(source_of_file(-1));
  const Source failing{[](uint64_t, std::span<std::byte>) -> Result<size_t> { return Unexpected("no disk"); },
                       100};
  EXPECT_EQ(read_init(failing).error().message, "no disk");
  ChunkWalker none(failing, 0);
  EXPECT_FALSE(none.next());
  EXPECT_EQ(none.end(), WalkEnd::damaged);
  EXPECT_EQ(none.reason(), "at byte 0: no disk");
}

TEST(ToPartTicks, RoundsToTheNearest) {
  EXPECT_EQ(to_part_ticks(48000, 48000), 90000);
  EXPECT_EQ(to_part_ticks(1024, 44100), 2090);  // 2089.8
  EXPECT_EQ(to_part_ticks(-1024, 44100), -2090);
  EXPECT_EQ(to_part_ticks(1, 44100), 2);  // 2.04
  EXPECT_EQ(to_part_ticks(12345, 90000), 12345);
  EXPECT_EQ(to_part_ticks(int64_t{1} << 62, 48000), (int64_t{1} << 62) / 8 * 15);
  EXPECT_GT(to_part_ticks(std::numeric_limits<int64_t>::max(), 1), int64_t{1} << 62)
      << "clamped, not wrapped";
}

}  // namespace
}  // namespace headgate::fmp4
