// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio frames in PES packets of every shape.
#include <gtest/gtest.h>

#include <base/encoding.h>
#include <ts_writer.h>

#include "recorder.h"

namespace headgate::mpegts {
namespace {

using headgate::test::bytes_of;
using headgate::test::TsWriter;
using headgate::test::operator+;
using test::Recorder;

constexpr uint16_t kPid = 0x201;
constexpr uint8_t kAdts = 0x0f, kPrivate = 0x06, kAc3 = 0x81, kEac3 = 0x87;
constexpr unsigned k48k = 3, k44k = 4, k32k = 5;

// ADTS, AAC-LC, two channels; its payload is `size` bytes of `fill`.
ByteVector adts(size_t size, int fill, unsigned rate = k48k, unsigned channels = 2, unsigned blocks = 1,
                bool crc = false) {
  ByteVector out;
  ByteWriter writer(out);
  const size_t bytes = 7 + (crc ? 2 : 0) + size;
  writer.u16(crc ? 0xfff0 : 0xfff1);
  writer.u8(1 << 6 | rate << 2 | channels >> 2);
  writer.u8((channels & 3) << 6 | bytes >> 11);
  writer.u8(bytes >> 3);
  writer.u8((bytes & 7) << 5 | 0x1f);
  writer.u8(0xfc | (blocks - 1));
  if (crc) writer.u16(0x1234);
  out.resize(bytes, static_cast<std::byte>(fill));
  return out;
}
ByteVector payload(size_t size, int fill) {
  return ByteVector(size, static_cast<std::byte>(fill));
}

class Audio : public testing::Test {
 protected:
  void tables(uint8_t type, ByteVector descriptors = {}) {
    writer.pat();
    writer.pmt({{type, kPid, std::move(descriptors)}});
  }
  void send_pes(Bytes data, std::optional<uint64_t> pts = std::nullopt, bool stated = true) {
    TsWriter::Pes pes;
    pes.pts = pts;
    pes.stated = stated;
    pes.stream_id = 0xc0;
    writer.pes(kPid, data, pes);
    demuxer.feed(writer.take());
  }
  void expect_unit(size_t i, const ByteVector& data, std::optional<uint64_t> pts, bool counted = false) {
    SCOPED_TRACE(i);
    ASSERT_LT(i, recorder.units.size());
    const Unit& unit = recorder.units[i].unit;
    EXPECT_EQ(to_hex(recorder.units[i].data), to_hex(data));
    EXPECT_EQ(unit.pts, pts);
    EXPECT_EQ(unit.dts, pts);
    EXPECT_EQ(unit.counted_time, counted);
    EXPECT_TRUE(unit.key);
  }

  Recorder recorder;
  Demuxer demuxer{recorder};
  TsWriter writer;
};

TEST_F(Audio, FramesBehindTheFirstHaveCountedTimes) {
  tables(kAdts);
  send_pes(adts(50, 1, k44k) + adts(60, 2, k44k) + adts(70, 3, k44k), kTimeWrap - 100);
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(0, payload(50, 1), kTimeWrap - 100);
  expect_unit(1, payload(60, 2), 1989, true);  // 1024 samples are 2089.8 ticks
  expect_unit(2, payload(70, 3), 4079, true);
  send_pes(adts(50, 4, k44k));  // without a time
  expect_unit(3, payload(50, 4), 6169, true);
  ASSERT_EQ(recorder.configs.size(), 1u);
  EXPECT_EQ(recorder.configs[0].second.sample_rate, 44100u);
}

TEST_F(Audio, AFrameInTwoPacketsWaitsForTheNext) {
  tables(kAdts);
  const ByteVector first = adts(100, 1), second = adts(100, 2), third = adts(100, 3);
  send_pes(first + Bytes(second).first(40), 9000);
  EXPECT_EQ(recorder.units.size(), 1u);
  send_pes(Bytes(second).subspan(40), std::nullopt);
  ASSERT_EQ(recorder.units.size(), 2u);  // the packet ends with it
  expect_unit(1, payload(100, 2), 9000 + 1920, true);
  send_pes(third, 20000);
  expect_unit(2, payload(100, 3), 20000);
}

// A sender that leaves a frame unfinished: what is put together of two is not given.
TEST_F(Audio, TwoHalvesAreNoFrame) {
  tables(kAdts);
  send_pes(adts(100, 1) + Bytes(adts(100, 2)).first(40), 9000);
  send_pes(adts(100, 3) + adts(100, 4), 20000);
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(1, payload(100, 3), 20000);
  expect_unit(2, payload(100, 4), 21920, true);
  EXPECT_TRUE(recorder.units[1].unit.after_loss);
  EXPECT_EQ(demuxer.stats().dropped_units, 1u);
}

TEST_F(Audio, FindsItsWayIntoAStream) {
  tables(kAdts);
  // In the tail of a frame there is something like a header.
  send_pes(payload(30, 0xff) + Bytes(adts(20, 9)).first(20) + adts(80, 1) + adts(80, 2), 9000);
  ASSERT_EQ(recorder.units.size(), 2u);
  EXPECT_EQ(to_hex(recorder.units[0].data), to_hex(payload(80, 1)));
  EXPECT_EQ(recorder.units[0].unit.pts, 9000u);
}

TEST_F(Audio, ALossCostsTheFrameThatIsOpen) {
  tables(kAdts);
  send_pes(adts(100, 1), 9000);
  const ByteVector open = adts(400, 2) + adts(10, 3);
  writer.payload(kPid, Bytes(TsWriter::pes_packet(open, {10920, {}, true, {}, 0xc0})).first(184));
  writer.lose(kPid);
  send_pes(adts(100, 4), 14760);
  ASSERT_EQ(recorder.units.size(), 2u);
  expect_unit(1, payload(100, 4), 14760);
  EXPECT_TRUE(recorder.units[1].unit.after_loss);
}

TEST_F(Audio, WithAChecksumAndAnotherRateInMidStream) {
  tables(kAdts);
  send_pes(adts(50, 1, k48k, 2, 1, true) + adts(50, 2, k48k), 9000);
  send_pes(adts(50, 3, k32k) + adts(50, 4, k32k), 20000);
  ASSERT_EQ(recorder.units.size(), 4u);
  expect_unit(0, payload(50, 1), 9000);
  expect_unit(3, payload(50, 4), 22880, true);
  ASSERT_EQ(recorder.configs.size(), 2u);
  EXPECT_EQ(recorder.configs[1].second.sample_rate, 32000u);
  EXPECT_EQ(recorder.units[1].configs, 1u);
  EXPECT_EQ(recorder.units[2].configs, 2u);
}

TEST_F(Audio, FramesThatCannotBeDescribedAreToldOnce) {
  tables(kAdts);
  send_pes(adts(50, 1, k48k, 0) + adts(50, 2, k48k, 0), 9000);
  send_pes(adts(50, 3, k48k, 2, 2) + adts(50, 4, k48k, 2, 2), 20000);
  EXPECT_EQ(recorder.units.size(), 0u);
  EXPECT_EQ(recorder.problems.size(), 2u);
  EXPECT_EQ(demuxer.stats().dropped_units, 4u);
  send_pes(adts(50, 5), 30000);
  ASSERT_EQ(recorder.units.size(), 1u);
  EXPECT_TRUE(recorder.units[0].unit.after_loss);
}

// Control headers: none of the options, both trims, an extension, a size of 255.
TEST_F(Audio, OpusWithoutItsControlHeaders) {
  tables(kPrivate, bytes_of({5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, 1}));
  const ByteVector small = bytes_of({0x48, 1, 2});              // 20 ms
  const ByteVector large = bytes_of({0x40}) + ByteVector(254);  // 10 ms, 255 bytes
  send_pes(bytes_of({0x7f, 0xe0, 3}) + small + bytes_of({0x7f, 0xf8, 3, 0x01, 0x38, 0x00, 0x10}) + small +
               bytes_of({0x7f, 0xe4, 255, 0, 2, 0xaa, 0xbb}) + large + bytes_of({0x7f, 0xe0, 3}) + small,
           9000);
  ASSERT_EQ(recorder.units.size(), 4u);
  expect_unit(0, small, 9000);
  expect_unit(1, small, 10800, true);
  expect_unit(2, large, 12600, true);
  expect_unit(3, small, 13500, true);
  ASSERT_EQ(recorder.configs.size(), 1u);
  EXPECT_EQ(recorder.configs[0].second.codec, codec::Codec::opus);
  EXPECT_EQ(recorder.configs[0].second.channels, 1u);
}

TEST_F(Audio, OpusWithAnExplicitMappingIsTold) {
  tables(kPrivate, bytes_of({5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, 0x81}));
  send_pes(bytes_of({0x7f, 0xe0, 3, 0x48, 1, 2}), 9000);
  EXPECT_TRUE(recorder.units.empty());
  EXPECT_EQ(recorder.problems.size(), 1u);
}

// 48 kHz, 32 kbit/s, mono: 128 bytes.
ByteVector ac3(int fill) {
  ByteVector frame = bytes_of({0x0b, 0x77, 0x12, fill, 0x00, 0x40, 0x2f, 0x84});
  frame.resize(128, static_cast<std::byte>(fill));
  return frame;
}
// Six blocks, 48 kHz, mono, bsid 16; type 0 is independent, 1 dependent.
ByteVector eac3(unsigned type, unsigned substream, int fill, size_t size = 64) {
  ByteVector frame;
  ByteWriter writer(frame);
  writer.u16(0x0b77);
  writer.u16(type << 14 | substream << 11 | (size / 2 - 1));
  writer.u8(0 << 6 | 3 << 4 | 1 << 1);
  writer.u8(16 << 3);
  frame.resize(size, static_cast<std::byte>(fill));
  return frame;
}

TEST_F(Audio, Ac3) {
  tables(kAc3);
  send_pes(ac3(1) + ac3(2), 9000);
  ASSERT_EQ(recorder.units.size(), 2u);
  expect_unit(0, ac3(1), 9000);
  expect_unit(1, ac3(2), 9000 + 2880, true);
  ASSERT_EQ(recorder.configs.size(), 1u);
  EXPECT_EQ(recorder.configs[0].second.sample_rate, 48000u);
}

TEST_F(Audio, Eac3SubstreamsAreOneUnit) {
  tables(kEac3);
  const ByteVector first = eac3(0, 0, 1) + eac3(1, 0, 2) + eac3(0, 1, 3), second = eac3(0, 0, 4);
  send_pes(first + second, 9000);
  ASSERT_EQ(recorder.units.size(), 2u);  // the packet ends with it
  expect_unit(0, first, 9000);
  expect_unit(1, second, 9000 + 2880, true);
}

TEST_F(Audio, Eac3WithoutEndIsNotKept) {
  tables(kEac3);
  send_pes(eac3(0, 0, 1), 9000);
  EXPECT_EQ(recorder.units.size(), 1u);
  for (int i = 0; i < 200; ++i) send_pes(eac3(i == 0 ? 0 : 1, 0, 2), std::nullopt, false);
  send_pes(eac3(0, 0, 3), 20000);
  ASSERT_EQ(recorder.units.size(), 2u);
  expect_unit(1, eac3(0, 0, 3), 20000);
}

}  // namespace
}  // namespace headgate::mpegts
