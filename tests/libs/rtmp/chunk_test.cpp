// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp_support.h"

namespace headgate::rtmp::test {
namespace {

// Feeds the whole, then every split in two, then byte by byte: always the same messages.
std::vector<Seen> read_all(const ByteVector& data, const Limits& limits = {}) {
  RecordingSink whole;
  ChunkReader reader(limits);
  auto used = reader.feed(data, whole);
  EXPECT_TRUE(used) << used.error().message;
  if (used) {
    EXPECT_EQ(*used, data.size());
  }
  EXPECT_EQ(reader.bytes_received(), data.size());
  for (size_t split = 0; split <= data.size(); ++split) {
    RecordingSink sink;
    ChunkReader halves(limits);
    EXPECT_TRUE(halves.feed(Bytes(data).first(split), sink)) << "split " << split;
    EXPECT_TRUE(halves.feed(Bytes(data).subspan(split), sink)) << "split " << split;
    EXPECT_EQ(sink.seen, whole.seen) << "split " << split;
    EXPECT_EQ(halves.bytes_received(), data.size());
  }
  RecordingSink sink;
  ChunkReader bytes(limits);
  for (std::byte b : data) EXPECT_TRUE(bytes.feed({&b, 1}, sink));
  EXPECT_EQ(sink.seen, whole.seen);
  return whole.seen;
}

std::string error_of(const ByteVector& data, const Limits& limits = {}) {
  RecordingSink sink;
  ChunkReader reader(limits);
  auto used = reader.feed(data, sink);
  EXPECT_FALSE(used);
  if (used) return "";
  EXPECT_FALSE(reader.feed(data, sink)) << "errors are final";
  // The same verdict however the bytes come.
  RecordingSink other;
  ChunkReader bytes(limits);
  bool failed = false;
  for (size_t i = 0; i < data.size() && !failed; ++i) failed = !bytes.feed(Bytes(data).subspan(i, 1), other);
  EXPECT_TRUE(failed);
  return used.error().message;
}

TEST(Chunks, FourFormats) {
  auto seen =
      read_all(hex("04 000064 000003 12 01000000 aabbcc"  // 0: at 100, stream 1
                   "44 00000a 000002 09 1234"             // 1: +10, other length and type
                   "84 000014 5678"                       // 2: +20
                   "c4 9abc"));                           // 3: +20 again
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0], (Seen{4, 18, 1, 100, "aabbcc"}));
  EXPECT_EQ(seen[1], (Seen{4, 9, 1, 110, "1234"}));
  EXPECT_EQ(seen[2], (Seen{4, 9, 1, 130, "5678"}));
  EXPECT_EQ(seen[3], (Seen{4, 9, 1, 150, "9abc"}));
}

TEST(Chunks, FormatThreeAfterZeroRepeatsItsTimestampAsDelta) {
  auto seen = read_all(hex("04 000028 000001 08 01000000 af c4 af"));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].timestamp, 80u);
}

TEST(Chunks, FormatOneMayComeFirst) {  // rtmp2sink's Set Chunk Size
  auto seen = read_all(hex("42 000000 000004 05 002625a0"));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], (Seen{2, kWindowAckSize, 0, 0, "002625a0"}));
}

TEST(Chunks, FormatsTwoAndThreeNeedAPredecessor) {
  EXPECT_NE(error_of(hex("84 000014 00")), "");
  EXPECT_NE(error_of(hex("c4 00")), "");
}

TEST(Chunks, ChunkStreamIdsOfOneTwoAndThreeBytes) {
  auto seen =
      read_all(hex("3f 000000 000001 12 00000000 01"       // 63
                   "00 00 000000 000001 12 00000000 02"    // 64
                   "00 ff 000000 000001 12 00000000 03"    // 319
                   "01 0001 000000 000001 12 00000000 04"  // 64 + 0x100 = 320
                   "01 ffff 000000 000001 12 00000000 05"  // 65599
                   "01 0000 000000 000001 12 00000000 06"  // 64, the long way
                   "c0 00 07"));                           // 64 again
  ASSERT_EQ(seen.size(), 7u);
  std::vector<uint32_t> csids;
  for (const Seen& s : seen) csids.push_back(s.csid);
  EXPECT_EQ(csids, (std::vector<uint32_t>{63, 64, 319, 320, 65599, 64, 64}));
}

TEST(Chunks, MessagesInterleaveByChunkStream) {
  ByteVector video = filled(300, 1), audio = filled(200, 7);
  ByteVector data = hex("06 000000 00012c 09 01000000");
  append(data, Bytes(video).first(128));
  append(data, hex("04 000005 0000c8 08 01000000"));
  append(data, Bytes(audio).first(128));
  append(data, hex("c6"));
  append(data, Bytes(video).subspan(128, 128));
  append(data, hex("c4"));
  append(data, Bytes(audio).subspan(128));
  append(data, hex("c6"));
  append(data, Bytes(video).subspan(256));
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], (Seen{4, 8, 1, 5, to_hex(audio)}));
  EXPECT_EQ(seen[1], (Seen{6, 9, 1, 0, to_hex(video)}));
}

TEST(Chunks, ExtendedTimestampRepeatedInFormatThree) {
  ByteVector body = filled(200);
  ByteVector data = hex("06 ffffff 0000c8 09 01000000 01020304");
  append(data, Bytes(body).first(128));
  append(data, hex("c6 01020304"));
  append(data, Bytes(body).subspan(128));
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], (Seen{6, 9, 1, 0x01020304, to_hex(body)}));
}

TEST(Chunks, ExtendedTimestampNotRepeatedInFormatThree) {
  // 3 bytes are left for the last chunk: less than a timestamp. They begin like one, so that a reader that
  // looks ahead has to give back what it took.
  ByteVector body = filled(131);
  body[128] = std::byte{1};
  body[129] = std::byte{2};
  body[130] = std::byte{9};
  ByteVector data = hex("06 ffffff 000083 09 01000000 01020304");
  append(data, Bytes(body).first(128));
  append(data, hex("c6"));
  append(data, Bytes(body).subspan(128));
  append(data, hex("04 000007 000001 08 01000000 af"));
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], (Seen{6, 9, 1, 0x01020304, to_hex(body)}));
  EXPECT_EQ(seen[1], (Seen{4, 8, 1, 7, "af"}));
}

TEST(Chunks, LookAheadGivesBackAcrossAMessageEndAndAStop) {
  // The last chunk has one byte, and the next chunk's header goes on like the extended timestamp.
  ByteVector body = filled(129);
  body[128] = std::byte{0x04};
  ByteVector data = hex("06 ffffff 000081 09 01000000 04040001");
  append(data, Bytes(body).first(128));
  append(data, hex("c6 04"));
  append(data, hex("04 000007 000001 08 01000000 af"));
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].body, to_hex(body));

  RecordingSink sink;
  ChunkReader reader;
  sink.reader = &reader;
  sink.stop_after = 1;
  size_t at = 0;
  for (int rounds = 0; at < data.size() && rounds < 1000; ++rounds) {
    auto used = reader.feed(Bytes(data).subspan(at, 1), sink);  // stopped: 0, and the byte comes again
    ASSERT_TRUE(used);
    at += *used;
  }
  EXPECT_EQ(sink.seen, seen);
}

TEST(Chunks, ExtendedDeltaIsADelta) {
  auto seen =
      read_all(hex("04 000064 000001 08 01000000 af"
                   "44 ffffff 000001 08 01000000 af"));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].timestamp, 100u + 0x01000000u);
}

TEST(Chunks, TimeWrapsAt32Bits) {
  auto seen =
      read_all(hex("04 ffffff 000001 08 01000000 fffffff0 af"
                   "84 000020 af"              // 0xfffffff0 + 0x20
                   "84 ffffff ffffffff af"));  // one back: rtmp2 sends steps back so
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].timestamp, 0xfffffff0u);
  EXPECT_EQ(seen[1].timestamp, 0x10u);
  EXPECT_EQ(seen[2].timestamp, 0x0fu);
}

TEST(Chunks, TimeGoesOnBeyond24Bits) {
  auto seen = read_all(hex("04 fffffe 000001 08 01000000 af 84 000003 af"));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].timestamp, 0xfffffeu);
  EXPECT_EQ(seen[1].timestamp, 0x1000001u);
}

TEST(Chunks, ChunkSizeChangesInsideAMessage) {
  ByteVector body = filled(300);
  ByteVector data = hex("06 000000 00012c 09 01000000");
  append(data, Bytes(body).first(128));
  append(data, hex("02 000000 000004 01 00000000 00000064"));  // 100 from the next chunk on
  append(data, hex("c6"));
  append(data, Bytes(body).subspan(128, 100));
  append(data, hex("02 000000 000004 01 00000000 00001000"));
  append(data, hex("c6"));
  append(data, Bytes(body).subspan(228));
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].body, to_hex(body));
}

TEST(Chunks, ChunkSizeOne) {
  ByteVector data = hex("02 000000 000004 01 00000000 00000001 04 000000 000003 08 01000000 af c4 01 c4 55");
  auto seen = read_all(data);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].body, "af0155");
}

TEST(Chunks, LargestChunkSizeIsTaken) {
  ByteVector body = filled(5000);
  ByteVector data = hex("02 000000 000004 01 00000000 7fffffff 06 000000 001388 09 01000000");
  append(data, body);
  RecordingSink sink;
  ChunkReader reader;
  ASSERT_TRUE(reader.feed(data, sink));
  EXPECT_EQ(reader.chunk_size(), 0xffffffu);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].body, to_hex(body));
}

TEST(Chunks, ChunkSizesOutOfRangeAndOddLengths) {
  EXPECT_NE(error_of(hex("02 000000 000004 01 00000000 00000000")), "");
  EXPECT_NE(error_of(hex("02 000000 000004 01 00000000 80000000")), "");
  EXPECT_NE(error_of(hex("02 000000 000003 01 00000000 000000")), "");
  EXPECT_NE(error_of(hex("02 000000 000005 02 00000000 0000000000")), "");
}

TEST(Chunks, AbortDropsAnOpenMessage) {
  ByteVector data = hex("06 000000 00012c 09 01000000");
  append(data, filled(128));
  append(data, hex("02 000000 000004 02 00000000 00000006"));
  append(data, hex("02 000000 000004 02 00000000 00000006"));  // nothing is open any more
  append(data, hex("02 000000 000004 02 00000000 00000063"));  // never heard of
  append(data, hex("86 000009"));
  append(data, filled(128));
  append(data, hex("c6"));
  append(data, filled(128));
  append(data, hex("c6"));
  append(data, filled(44));
  RecordingSink sink;
  ChunkReader reader;
  ASSERT_TRUE(reader.feed(data, sink));
  EXPECT_EQ(sink.abandoned, 1);
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].timestamp, 9u);
  read_all(data);
}

TEST(Chunks, EmptyMessages) {
  auto seen = read_all(hex("04 000001 000000 08 01000000 c4 06 000002 000000 09 01000000"));
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], (Seen{4, 8, 1, 1, ""}));
  EXPECT_EQ(seen[1], (Seen{4, 8, 1, 2, ""}));
  EXPECT_EQ(seen[2], (Seen{6, 9, 1, 2, ""}));
}

TEST(Chunks, PrefixesAreApart) {
  class Sink : public RecordingSink {
   public:
    std::span<std::byte> begin(uint32_t csid, const MessageHeader& header, Bytes prefix) override {
      prefixes.push_back(to_hex(prefix));
      return RecordingSink::begin(csid, header, prefix);
    }
    std::vector<std::string> prefixes;
  } sink;
  ByteVector data =
      hex("06 000000 000007 09 01000000 17010000508899"
          "04 000000 000003 08 01000000 af01aa"
          "04 000000 000001 08 01000000 af"
          "06 000000 000005 09 01000000 1702000000"
          "03 000000 000002 12 01000000 0505");
  ChunkReader reader;
  for (std::byte b : data) ASSERT_TRUE(reader.feed({&b, 1}, sink));
  EXPECT_EQ(sink.prefixes, (std::vector<std::string>{"1701000050", "af01", "af", "1702000000", ""}));
  EXPECT_EQ(sink.seen.size(), 5u);
}

TEST(Chunks, SkippedMessagesAreCompletedWithoutPayload) {
  RecordingSink sink;
  sink.skip = true;
  ChunkReader reader;
  ByteVector data = hex("06 000000 000090 09 01000000");
  append(data, hex("1701000050"));
  append(data, filled(123));
  append(data, hex("c6"));
  append(data, filled(16));
  ASSERT_TRUE(reader.feed(data, sink));
  ASSERT_EQ(sink.seen.size(), 1u);
  EXPECT_EQ(sink.seen[0].body, "1701000050");
}

TEST(Chunks, HeaderInsideAMessageIsAnError) {
  ByteVector data = hex("06 000000 00012c 09 01000000");
  append(data, filled(128));
  append(data, hex("06 000000 000002 09 01000000 1700"));  // the smaller size would overflow a naive reader
  EXPECT_NE(error_of(data), "");
}

TEST(Chunks, StopLeavesTheRest) {
  ByteVector data = hex("03 000000 000001 14 00000000 05 03 000000 000002 14 00000000 0505");
  RecordingSink sink;
  ChunkReader reader;
  sink.reader = &reader;
  sink.stop_after = 1;
  auto used = reader.feed(data, sink);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 13u);
  used = reader.feed(Bytes(data).subspan(*used), sink);
  ASSERT_TRUE(used);
  EXPECT_EQ(*used, 14u);
  EXPECT_EQ(sink.seen.size(), 2u);
}

TEST(ChunkLimits, ChunkStreams) {
  Limits limits;
  limits.max_chunk_streams = 3;
  ByteVector data =
      hex("03 000000 000000 12 00000000 04 000000 000000 12 00000000"
          "05 000000 000000 12 00000000");
  EXPECT_EQ(read_all(data, limits).size(), 3u);
  append(data, hex("06 000000 000000 12 00000000"));
  EXPECT_NE(error_of(data, limits).find("max_chunk_streams"), std::string::npos);
}

TEST(ChunkLimits, MessageSizesByKind) {
  Limits limits;
  limits.max_command_bytes = 16;
  limits.max_data_bytes = 32;
  limits.max_media_bytes = 64;
  limits.max_aggregate_bytes = 48;
  struct Case {
    const char *type, *size, *name;
  };
  for (const Case& c : {Case{"14", "000011", "max_command_bytes"},
                        {"11", "000011", "max_command_bytes"},
                        {"04", "000011", "max_command_bytes"},
                        {"12", "000021", "max_data_bytes"},
                        {"0f", "000021", "max_data_bytes"},
                        {"77", "000021", "max_data_bytes"},
                        {"08", "000041", "max_media_bytes"},
                        {"09", "ffffff", "max_media_bytes"},
                        {"16", "000031", "max_aggregate_bytes"}}) {
    std::string error = error_of(hex("03 000000 " + std::string(c.size) + c.type + " 00000000"), limits);
    EXPECT_NE(error.find(c.name), std::string::npos) << c.type << " " << error;
  }
  EXPECT_EQ(read_all(joined({hex("03 000000 000010 14 00000000"), filled(16)}), limits).size(), 1u);
  EXPECT_EQ(read_all(joined({hex("03 000000 000040 09 00000000"), filled(64)}), limits).size(), 1u);
}

TEST(ChunkLimits, OpenBytes) {
  Limits limits;
  limits.max_open_bytes = 500;
  ByteVector data = joined({hex("06 000000 00012c 09 01000000"), filled(128)});
  append(data, joined({hex("04 000000 0000c8 08 01000000"), filled(128)}));
  RecordingSink sink;
  ChunkReader reader(limits);
  EXPECT_TRUE(reader.feed(data, sink));
  append(data, hex("05 000000 000001 08 01000000"));
  EXPECT_NE(error_of(data, limits).find("max_open_bytes"), std::string::npos);
}

TEST(ChunkLimits, TinyChunks) {
  Limits limits;
  limits.max_tiny_chunks = 9;
  ByteVector data = hex("02 000000 000004 01 00000000 00000001 04 000000 00000a 08 01000000 00");
  for (int i = 0; i < 9; ++i) append(data, hex("c4 00"));
  EXPECT_EQ(read_all(data, limits).size(), 1u);
  append(data, hex("c4 00 c4 00"));
  EXPECT_NE(error_of(data, limits).find("max_tiny_chunks"), std::string::npos);
}

TEST(ChunkState, TravelsAtEveryByte) {
  ByteVector video = filled(300, 1), audio = filled(200, 7);
  ByteVector data = hex("06 ffffff 00012c 09 01000000 01020304");
  append(data, Bytes(video).first(128));
  append(data, hex("02 000000 000004 01 00000000 00000064"));
  append(data, hex("04 000005 0000c8 08 01000000"));
  append(data, Bytes(audio).first(100));
  append(data, hex("c6 01020304"));
  append(data, Bytes(video).subspan(128, 100));
  append(data, hex("c4"));
  append(data, Bytes(audio).subspan(100));
  append(data, hex("c6"));
  append(data, Bytes(video).subspan(228));
  append(data, hex("03 000000 000001 14 00000000 05"));
  RecordingSink whole;
  ChunkReader reference;
  ASSERT_TRUE(reference.feed(data, whole));
  ASSERT_EQ(whole.seen.size(), 3u);
  for (size_t split = 0; split <= data.size(); ++split) {
    RecordingSink before;
    ChunkReader reader;
    ASSERT_TRUE(reader.feed(Bytes(data).first(split), before));
    ByteVector state;
    reader.save(state);
    RecordingSink after;
    auto restored = ChunkReader::restore(state, after);
    ASSERT_TRUE(restored) << restored.error().message << " at " << split;
    EXPECT_EQ(restored->bytes_received(), split);
    ASSERT_TRUE(restored->feed(Bytes(data).subspan(split), after));
    std::vector<Seen> both = before.seen;
    both.insert(both.end(), after.seen.begin(), after.seen.end());
    EXPECT_EQ(both, whole.seen) << "split " << split;
  }
}

TEST(ChunkState, OfASkippedMessageTheNewSinkHearsNothing) {
  ByteVector first = joined({hex("06 000000 00012c 09 01000000"), filled(128)});
  ByteVector rest =
      joined({hex("c6"), filled(128), hex("c6"), filled(44), hex("04 000000 000001 08 01000000 af")});
  RecordingSink before;
  before.skip = true;
  ChunkReader reader;
  ASSERT_TRUE(reader.feed(first, before));
  ByteVector state;
  reader.save(state);
  RecordingSink after;
  auto restored = ChunkReader::restore(state, after);
  ASSERT_TRUE(restored);
  ASSERT_TRUE(restored->feed(rest, after));
  ASSERT_EQ(after.seen.size(), 1u);
  EXPECT_EQ(after.seen[0].type, kAudio);

  auto aborted = ChunkReader::restore(state, after);
  ASSERT_TRUE(aborted);
  ASSERT_TRUE(aborted->feed(hex("02 000000 000004 02 00000000 00000006"), after));
  EXPECT_EQ(after.abandoned, 0);
}

TEST(ChunkState, DamagedStatesAreRefusedOrHarmless) {
  ByteVector data = joined({hex("06 000000 00012c 09 01000000"), filled(128), hex("c6"), filled(100)});
  RecordingSink sink;
  ChunkReader reader;
  ASSERT_TRUE(reader.feed(data, sink));
  ByteVector state;
  reader.save(state);
  for (size_t size = 0; size < state.size(); ++size) {
    RecordingSink other;
    EXPECT_FALSE(ChunkReader::restore(Bytes(state).first(size), other)) << size;
  }
  int refused = 0;
  for (size_t bit = 0; bit < 8 * state.size(); ++bit) {
    ByteVector damaged = state;
    damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    RecordingSink other;
    auto restored = ChunkReader::restore(damaged, other);
    if (!restored)
      ++refused;
    else
      (void)restored->feed(data, other).has_value();
  }
  EXPECT_GT(refused, 100);
}

TEST(ChunkWriter, WhatItWritesIsRead) {
  ByteVector out;
  ChunkWriter writer;
  ByteVector body = filled(1000);
  writer.write(out, 6, {.type = kVideo, .stream_id = 1, .timestamp = 0x01000000}, body);
  writer.set_chunk_size(out, 300);
  writer.write(out, 70, {.type = kDataAmf0, .stream_id = 1, .timestamp = 5}, body);
  writer.write(out, 1000, {.type = kAudio, .stream_id = 1, .timestamp = 6}, {});
  RecordingSink sink;
  ChunkReader reader;
  ASSERT_TRUE(reader.feed(out, sink));
  ASSERT_EQ(sink.seen.size(), 3u);
  EXPECT_EQ(sink.seen[0], (Seen{6, 9, 1, 0x01000000, to_hex(body)}));
  EXPECT_EQ(sink.seen[1], (Seen{70, 18, 1, 5, to_hex(body)}));
  EXPECT_EQ(sink.seen[2], (Seen{1000, 8, 1, 6, ""}));
}

}  // namespace
}  // namespace headgate::rtmp::test
