// SPDX-License-Identifier: LGPL-2.1-or-later
// H.264 in PES packets of every shape.
#include <gtest/gtest.h>

#include "h264.h"
#include "recorder.h"

namespace headgate::mpegts {
namespace {

using headgate::test::TsWriter;
using headgate::test::operator+;
using test::hex, test::idr, test::key_unit, test::nal, test::picture, test::Recorder, test::sized, test::unit;
using test::kDelimiter, test::kFiller, test::kFurtherSlice, test::kOtherPps, test::kOtherSps, test::kPps,
    test::kSei, test::kSps;

constexpr uint16_t kPid = 0x200;
constexpr uint64_t kFrame = 3600;

class Video : public testing::Test {
 protected:
  Video() {
    writer.pat();
    writer.pmt({{0x1b, kPid, {}}});
    send();
  }
  void send() { demuxer.feed(writer.take()); }
  void send_pes(Bytes data, std::optional<uint64_t> pts = std::nullopt, bool stated = false) {
    TsWriter::Pes pes;
    pes.pts = pts;
    pes.stated = stated;
    writer.pes(kPid, data, pes);
    send();
  }
  void expect_unit(size_t i, const ByteVector& data, std::optional<uint64_t> pts) {
    SCOPED_TRACE(i);
    ASSERT_LT(i, recorder.units.size());
    EXPECT_EQ(to_hex(recorder.units[i].data), to_hex(data));
    EXPECT_EQ(recorder.units[i].unit.pts, pts);
    EXPECT_EQ(recorder.units[i].unit.dts, pts);
  }

  Recorder recorder;
  Demuxer demuxer{recorder};
  TsWriter writer;
};

TEST_F(Video, KeepsWhatMp4Keeps) {
  send_pes(nal(kDelimiter) + nal(kSps) + nal(kPps) + nal(kSei) + nal(idr(1)) +
               hex("000001" + kFurtherSlice + "0000") + nal(kFiller),
           9000);
  EXPECT_TRUE(recorder.units.empty());  // more of it could follow
  send_pes(unit(2), 9000 + kFrame);
  ASSERT_EQ(recorder.units.size(), 1u);
  expect_unit(0, sized(kSei) + sized(idr(1)) + sized(kFurtherSlice), 9000);
  EXPECT_TRUE(recorder.units[0].unit.key);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 2u);
  expect_unit(1, sized(picture(2)), 9000 + kFrame);
  EXPECT_FALSE(recorder.units[1].unit.key);
  ASSERT_EQ(recorder.configs.size(), 1u);
  EXPECT_EQ(recorder.configs[0].first, kPid);
  EXPECT_EQ(recorder.configs[0].second.width, 320u);
}

TEST_F(Video, TimesAreThoseOfThePacketInWhichAUnitBegins) {
  TsWriter::Pes pes;
  pes.pts = kTimeWrap - 1, pes.dts = 5;
  writer.pes(kPid, key_unit(0), pes);
  send_pes(unit(1) + unit(2), 20);  // two: the second has no time
  send_pes(unit(3));                // none is sent
  send_pes(nal(kDelimiter) + nal(picture(4)), 30);
  send_pes(nal(kFurtherSlice), 30);            // goes on
  send_pes(nal(kFurtherSlice) + unit(5), 40);  // goes on, and another begins
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 6u);
  EXPECT_EQ(recorder.units[0].unit.pts, kTimeWrap - 1);
  EXPECT_EQ(recorder.units[0].unit.dts, 5u);
  expect_unit(1, sized(picture(1)), 20);
  expect_unit(2, sized(picture(2)), std::nullopt);
  expect_unit(3, sized(picture(3)), std::nullopt);
  expect_unit(4, sized(picture(4)) + sized(kFurtherSlice) + sized(kFurtherSlice), 30);
  expect_unit(5, sized(picture(5)), 40);
}

TEST_F(Video, ATimeWithoutItsMarkerBitsIsNone) {
  TsWriter::Pes pes;
  pes.pts = 9000;
  ByteVector packet = TsWriter::pes_packet(key_unit(0), pes);
  packet[9] &= std::byte{0xfe};
  writer.payload(kPid, packet);
  send_pes(unit(1), 12600);
  ASSERT_EQ(recorder.units.size(), 1u);
  EXPECT_FALSE(recorder.units[0].unit.pts);
}

TEST_F(Video, ThatADtsWasSentIsTold) {
  TsWriter::Pes both;
  both.pts = both.dts = 9000;
  writer.pes(kPid, key_unit(0), both);
  send_pes(unit(1), 12600);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 2u);
  EXPECT_TRUE(recorder.units[0].unit.dts_sent);
  EXPECT_FALSE(recorder.units[1].unit.dts_sent);
  expect_unit(1, sized(picture(1)), 12600);
}

// That it is not the PTS is all that is known.
TEST_F(Video, ADtsThatCannotBeReadIsNoTime) {
  TsWriter::Pes pes;
  pes.pts = 9000, pes.dts = 5400;
  ByteVector packet = TsWriter::pes_packet(key_unit(0), pes);
  packet[14] &= std::byte{0xfe};
  writer.payload(kPid, packet);
  pes.dts.reset();
  packet = TsWriter::pes_packet(unit(1), pes);
  packet[7] |= std::byte{0x40};  // there is a DTS, and no room for it
  writer.payload(kPid, packet);
  send_pes(unit(2), 12600);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(0, sized(idr(0)), std::nullopt);
  expect_unit(1, sized(picture(1)), std::nullopt);
  expect_unit(2, sized(picture(2)), 12600);
}

TEST_F(Video, EveryNalUnitInAPacketOfItsOwn) {
  for (const std::string& each : {kSps, kPps, idr(1)}) send_pes(nal(each), 9000);
  for (const std::string& each : {picture(2), kFurtherSlice}) send_pes(nal(each), 12600);
  send_pes(nal(picture(3)), 16200);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(0, sized(idr(1)), 9000);
  expect_unit(1, sized(picture(2)) + sized(kFurtherSlice), 12600);
  expect_unit(2, sized(picture(3)), 16200);
}

// Whatever transport packets cut: start codes, headers, a PES packet's header.
TEST_F(Video, CutAnywhere) {
  for (size_t size = 1; size < 40; ++size) {
    SCOPED_TRACE(size);
    recorder.units.clear();
    writer.pat();
    writer.pmt({{0x1b, kPid, {}}});
    for (int i = 0; i < 4; ++i) {
      TsWriter::Pes pes;
      pes.pts = 9000 + i * kFrame, pes.dts = 9000 + i * kFrame;
      const ByteVector packet = TsWriter::pes_packet(i == 0 ? key_unit(i) : unit(i), pes);
      for (size_t at = 0; at < packet.size(); at += size)
        writer.packet(kPid, at == 0, Bytes(packet).subspan(at, std::min(size, packet.size() - at)));
    }
    send();
    EXPECT_GE(recorder.units.size(), size < 9 ? 2u : 3u);
    demuxer.flush();
    ASSERT_EQ(recorder.units.size(), 4u);
    for (int i = 0; i < 4; ++i) expect_unit(i, i == 0 ? sized(idr(0)) : sized(picture(i)), 9000 + i * kFrame);
  }
}

// However often it was one.
TEST_F(Video, AStatedEndIsNoPicturesEnd) {
  for (int i = 0; i < 20; ++i) send_pes(i == 0 ? key_unit(i) : unit(i), i * kFrame, true);
  ASSERT_EQ(recorder.units.size(), 19u);
  send_pes(nal(kFurtherSlice), std::nullopt, true);
  send_pes(unit(20), 20 * kFrame, true);
  ASSERT_EQ(recorder.units.size(), 20u);
  expect_unit(19, sized(picture(19)) + sized(kFurtherSlice), 19 * kFrame);
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 21u);
}

TEST_F(Video, NeitherAtTheFalseEndNorInALossBehindItIsPartOfAPictureGiven) {
  for (int i = 0; i < 20; ++i) send_pes(i == 0 ? key_unit(i) : unit(i), i * kFrame, true);
  ByteVector large = unit(4);
  large.resize(70'000, std::byte{0x55});
  TsWriter::Pes pes;
  pes.pts = 20 * kFrame;
  pes.length = static_cast<uint16_t>(large.size() + 8);  // modulo 65,536
  writer.pes(kPid, large, pes);
  const ByteVector stream = writer.take();
  const size_t end = kPacketBytes * 40;  // behind the false one, before the true one
  demuxer.feed(Bytes(stream).first(end));
  EXPECT_EQ(recorder.units.size(), 20u);  // those before it
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 20u);
  EXPECT_EQ(demuxer.stats().dropped_units, 1u);
}

TEST_F(Video, ALengthModulo65536DoesNotCutAPicture) {
  ByteVector large = unit(1);
  large.resize(70'000, std::byte{0x55});
  send_pes(key_unit(0), 0);
  TsWriter::Pes pes;
  pes.pts = kFrame;
  pes.length = static_cast<uint16_t>(large.size() + 8);
  writer.pes(kPid, large, pes);
  send_pes(unit(2), 2 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  EXPECT_EQ(recorder.units[1].data.size(), large.size() - nal(kDelimiter).size());
}

TEST_F(Video, NewSetsAreANewConfigurationAndOldOnesAreNot) {
  send_pes(key_unit(0), 0);
  send_pes(key_unit(1), kFrame);
  send_pes(key_unit(2, kOtherSps), 2 * kFrame);
  send_pes(nal(kDelimiter) + nal(kPps) + nal(picture(3)), 3 * kFrame);       // says nothing new
  send_pes(nal(kDelimiter) + nal(kOtherPps) + nal(picture(4)), 4 * kFrame);  // the same id
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 5u);
  ASSERT_EQ(recorder.configs.size(), 3u);
  EXPECT_EQ(recorder.configs[1].second.width, 640u);
  const std::string last = to_hex(recorder.configs[2].second.config);
  EXPECT_NE(last.find(kOtherPps), std::string::npos);
  EXPECT_EQ(last.find(kPps), std::string::npos);
  const size_t configs[] = {1, 1, 2, 2, 3};
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(recorder.units[i].configs, configs[i]) << i;
}

TEST_F(Video, AnSpsThatIsRepeatedWithSomePpsLeavesTheOthers) {
  const std::string second = "6848f0fc80";  // pic_parameter_set_id 1
  send_pes(nal(kDelimiter) + nal(kSps) + nal(kPps) + nal(second) + nal(idr(0)), 0);
  send_pes(key_unit(1), kFrame);                    // one of the two
  send_pes(key_unit(2, kSps, second), 2 * kFrame);  // the other
  send_pes(key_unit(3, kOtherSps), 3 * kFrame);     // all anew
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 4u);
  ASSERT_EQ(recorder.configs.size(), 2u);
  EXPECT_NE(to_hex(recorder.configs[0].second.config).find(second), std::string::npos);
  EXPECT_EQ(to_hex(recorder.configs[1].second.config).find(second), std::string::npos);
}

// What came between the two is not known: only a jump that follows a stated end costs nothing.
TEST_F(Video, AnAnnouncedJumpCostsThePictureThatIsOpen) {
  send_pes(key_unit(0), 0);
  ByteVector large = unit(1);
  large.resize(TsWriter::kPayload * 2, std::byte{0x55});
  TsWriter::Pes pes;
  pes.pts = kFrame;
  const ByteVector packet = TsWriter::pes_packet(large, pes);
  writer.packet(kPid, true, Bytes(packet).first(TsWriter::kPayload));
  writer.lose(kPid, 5);
  pes.pts = 2 * kFrame;
  writer.packet(kPid, true, TsWriter::pes_packet(unit(2), pes), true);
  send();
  send_pes(unit(3), 3 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(1, sized(picture(2)), 2 * kFrame);
  EXPECT_TRUE(recorder.units[1].unit.after_loss);
  EXPECT_FALSE(recorder.units[2].unit.after_loss);
  EXPECT_EQ(demuxer.stats().discontinuities, 0u);
  EXPECT_EQ(demuxer.stats().dropped_units, 1u);
}

TEST_F(Video, UnitsThatNothingDescribesAreNotGiven) {
  send_pes(unit(0), 0);
  send_pes(nal(kDelimiter) + nal(kSps) + nal(idr(1)), kFrame);  // no PPS
  send_pes(nal(kDelimiter) + nal(kPps) + nal(picture(2)), 2 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 1u);
  expect_unit(0, sized(picture(2)), 2 * kFrame);
  EXPECT_TRUE(recorder.units[0].unit.after_loss);
  EXPECT_EQ(demuxer.stats().undescribed_units, 2u);
}

TEST_F(Video, SetsThatMakeNoConfigurationAreToldOnce) {
  send_pes(key_unit(0), 0);
  for (int i = 1; i < 4; ++i) send_pes(key_unit(i, "6742c015"), i * kFrame);
  send_pes(key_unit(4), 4 * kFrame);
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 2u);
  EXPECT_EQ(recorder.problems.size(), 1u);
  EXPECT_EQ(demuxer.stats().undescribed_units, 3u);
}

TEST_F(Video, ARecoveryPointIsAKey) {
  // After another message with three bytes of emulation prevention in it.
  const std::string recovery =
      "06"
      "0507"
      "000003000003000003"
      "01"
      "0601"
      "c0"
      "80";
  const std::string gradual =
      "060601"
      "5080";  // recovery_frame_cnt 9
  send_pes(key_unit(0), 0);
  send_pes(nal(kDelimiter) + nal(recovery) + nal(picture(1)), kFrame);
  send_pes(nal(kDelimiter) + nal(gradual) + nal(picture(2)), 2 * kFrame);
  send_pes(nal(kDelimiter) + nal(kSei) + nal(picture(3)), 3 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(recorder.units[i].unit.key, i < 2) << i;
}

TEST_F(Video, ALossCostsThePictureThatIsOpen) {
  send_pes(key_unit(0), 0);
  send_pes(unit(1), kFrame);
  writer.lose(kPid);  // the end of it, for all that is known
  send_pes(unit(2), 2 * kFrame);
  writer.lose(kPid, 3);
  writer.payload(kPid, nal(picture(7)), false);  // of a packet whose beginning is lost
  send_pes(unit(3), 3 * kFrame);
  send_pes(unit(4), 4 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(1, sized(picture(3)), 3 * kFrame);
  EXPECT_FALSE(recorder.units[0].unit.after_loss);
  EXPECT_TRUE(recorder.units[1].unit.after_loss);
  EXPECT_FALSE(recorder.units[2].unit.after_loss);
  EXPECT_EQ(demuxer.stats().discontinuities, 2u);
  EXPECT_EQ(demuxer.stats().dropped_units, 2u);
}

// 16 packets are missing, which the counter does not show, within a picture without a stated length.
TEST_F(Video, AHoleThatOnlyTheCallerKnowsOf) {
  send_pes(key_unit(0), 0);
  ByteVector large = unit(1);
  large.resize(40 * TsWriter::kPayload, std::byte{0x55});
  TsWriter::Pes pes;
  pes.pts = kFrame;
  writer.pes(kPid, large, pes);
  const ByteVector stream = writer.take();
  demuxer.feed(Bytes(stream).first(10 * kPacketBytes));
  demuxer.lose(16 * kPacketBytes);
  demuxer.feed(Bytes(stream).subspan(26 * kPacketBytes));
  send_pes(unit(2), 2 * kFrame);
  demuxer.flush();
  EXPECT_EQ(demuxer.stats().discontinuities, 0u);
  ASSERT_EQ(recorder.units.size(), 2u);
  expect_unit(1, sized(picture(2)), 2 * kFrame);
  EXPECT_TRUE(recorder.units[1].unit.after_loss);
}

TEST_F(Video, AHoleOfAFewPacketsIsLeftToTheCounter) {
  send_pes(key_unit(0), 0);
  send_pes(unit(1), kFrame);
  demuxer.lose(2 * 1316);  // of other streams
  send_pes(unit(2), 2 * kFrame);
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 3u);
}

TEST_F(Video, APesPacketShorterThanItSaysIsALoss) {
  send_pes(key_unit(0), 0);
  TsWriter::Pes pes;
  pes.pts = kFrame, pes.length = 1000;
  writer.pes(kPid, unit(1), pes);
  send_pes(unit(2), 2 * kFrame);
  demuxer.flush();
  EXPECT_EQ(recorder.units.size(), 2u);
  expect_unit(1, sized(picture(2)), 2 * kFrame);
  EXPECT_EQ(demuxer.stats().broken_pes, 1u);
}

TEST_F(Video, TheLastPictureIsGivenIfItsEndIsSeen) {
  for (const size_t size : {TsWriter::kPayload - 1, TsWriter::kPayload}) {
    recorder.units.clear();
    writer.pat();
    writer.pmt({{0x1b, kPid, {}}});
    TsWriter::Pes pes;
    pes.pts = 0;
    ByteVector data = key_unit(0);
    data.resize(size - (TsWriter::pes_packet(data, pes).size() - data.size()), std::byte{0x77});
    writer.pes(kPid, data, pes);
    send();
    demuxer.flush();
    EXPECT_EQ(recorder.units.size(), size == TsWriter::kPayload ? 0u : 1u);
  }
  EXPECT_EQ(demuxer.stats().dropped_units, 1u);
}

TEST_F(Video, ALargerPictureIsDropped) {
  send_pes(key_unit(0), 0);
  ByteVector large = unit(1);
  large.resize(kMaxUnitBytes + 100, std::byte{0x55});
  send_pes(large, kFrame);
  send_pes(unit(2), 2 * kFrame);
  ByteVector many = unit(3);
  for (size_t i = 0; i < kMaxUnitNals; ++i) many = std::move(many) + hex("0000014155");
  send_pes(many, 3 * kFrame);
  send_pes(unit(4), 4 * kFrame);
  demuxer.flush();
  ASSERT_EQ(recorder.units.size(), 3u);
  expect_unit(1, sized(picture(2)), 2 * kFrame);
  expect_unit(2, sized(picture(4)), 4 * kFrame);
  EXPECT_TRUE(recorder.units[1].unit.after_loss && recorder.units[2].unit.after_loss);
  EXPECT_EQ(recorder.problems.size(), 1u);
}

TEST_F(Video, MoreSetsThanTheLimitAreTold) {
  ByteVector data = nal(kDelimiter) + nal(kSps) + nal(kPps);
  for (size_t i = 0; i < kMaxParameterSets; ++i) {
    char text[16];
    std::snprintf(text, sizeof text, "68ce0f%02x", static_cast<unsigned>(i));
    data = std::move(data) + nal(text);
  }
  send_pes(data + nal(idr(0)), 0);
  demuxer.flush();
  ASSERT_EQ(recorder.problems.size(), 1u);
  EXPECT_NE(recorder.problems[0].find("more than 64 parameter sets"), std::string::npos)
      << recorder.problems[0];
}

}  // namespace
}  // namespace headgate::mpegts
