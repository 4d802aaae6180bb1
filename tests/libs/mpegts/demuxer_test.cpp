// SPDX-License-Identifier: LGPL-2.1-or-later
// Packets, tables and programs.
#include <gtest/gtest.h>

#include "h264.h"
#include "recorder.h"

namespace headgate::mpegts {
namespace {

using headgate::test::bytes_of;
using headgate::test::TsWriter;
using headgate::test::operator+;
using test::key_unit, test::Recorder, test::unit;

constexpr uint16_t kPid = 0x200;
constexpr uint8_t kH264 = 0x1b, kPrivate = 0x06, kTimedMetadata = 0x15;

class DemuxerTest : public testing::Test {
 protected:
  void send() { demuxer.feed(writer.take()); }
  void send_unit(int number, uint16_t pid = kPid) {
    TsWriter::Pes pes;
    pes.pts = 3600 * static_cast<uint64_t>(number);
    writer.pes(pid, number == 0 ? key_unit(0) : unit(number), pes);
  }
  void send_tables() {
    writer.pat();
    writer.pmt({{kH264, kPid, {}}});
  }
  // How many units there are when what was written has been read to its end.
  size_t units() {
    send();
    demuxer.flush();
    return recorder.units.size();
  }

  Recorder recorder;
  Demuxer demuxer{recorder};
  TsWriter writer;
};

struct Named {
  uint8_t type;
  ByteVector descriptors;
  const char* name;
  Kind kind;
  bool has_codec;
};

TEST_F(DemuxerTest, NamesWhatThereIs) {
  const Named cases[] = {
      {0x1b, {}, "H.264", Kind::video, true},
      {0x24, {}, "H.265", Kind::video, true},
      {kPrivate, bytes_of({5, 4, 'H', 'E', 'V', 'C'}), "H.265", Kind::video, true},
      {0x0f, {}, "AAC", Kind::audio, true},
      {kPrivate, bytes_of({5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, 1}), "Opus", Kind::audio, true},
      {0x81, bytes_of({5, 4, 'A', 'C', '-', '3'}), "AC-3", Kind::audio, true},
      {kPrivate, bytes_of({0x52, 1, 9, 0x6a, 1, 0}), "AC-3", Kind::audio, true},
      {0x87, {}, "E-AC-3", Kind::audio, true},
      {kPrivate, bytes_of({0x7a, 1, 0}), "E-AC-3", Kind::audio, true},
      {0x11, {}, "AAC in LATM", Kind::audio, false},
      {0x03, {}, "MPEG-1 audio", Kind::audio, false},
      {0x02, {}, "MPEG-2 video", Kind::video, false},
      {kPrivate, bytes_of({5, 4, 'A', 'V', '0', '1'}), "AV1", Kind::video, false},
      {kPrivate, bytes_of({5, 4, 'O', 'p'}), "private data", Kind::data, false},
      {kPrivate, bytes_of({5, 200, 'O', 'p', 'u', 's'}), "private data", Kind::data, false},
      {0x86, {}, "stream type 0x86", Kind::data, false},
  };
  std::vector<TsWriter::Entry> entries;
  for (const Named& named : cases)
    entries.push_back({named.type, static_cast<uint16_t>(kPid + entries.size()), named.descriptors});
  writer.pat();
  writer.pmt(entries);
  send();
  ASSERT_EQ(recorder.programs.size(), 1u);
  const auto& streams = recorder.programs[0];
  ASSERT_EQ(streams.size(), entries.size());
  for (size_t i = 0; i < streams.size(); ++i) {
    EXPECT_EQ(streams[i].name, cases[i].name) << i;
    EXPECT_EQ(streams[i].kind, cases[i].kind) << i;
    EXPECT_EQ(streams[i].codec.has_value(), cases[i].has_codec) << i;
    EXPECT_EQ(streams[i].pid, entries[i].pid) << i;
  }
  EXPECT_EQ(streams[4].opus_channels, 1);
}

TEST_F(DemuxerTest, NothingWithoutTables) {
  send_unit(0);
  send_unit(1);
  EXPECT_EQ(units(), 0u);
  EXPECT_TRUE(recorder.programs.empty());
}

TEST_F(DemuxerTest, StreamsThatAreNotWantedAreNotRead) {
  recorder.takes_all = false;
  send_tables();
  send_unit(0);
  EXPECT_EQ(units(), 0u);
  EXPECT_EQ(recorder.programs.size(), 1u);
}

TEST_F(DemuxerTest, TakesTheFirstProgramWithMedia) {
  writer.pat({{0, 0x10}, {1, 0x100}, {2, 0x101}, {3, 0x102}});
  writer.pmt({{kTimedMetadata, 0x300, {}}}, 1, 0x100);
  writer.pmt({{kH264, kPid, {}}}, 2, 0x101);
  writer.pmt({{kH264, 0x301, {}}}, 3, 0x102);
  send_unit(0);
  send_unit(0, 0x301);
  EXPECT_EQ(units(), 1u);
  ASSERT_EQ(recorder.programs.size(), 1u);
  EXPECT_EQ(recorder.programs[0][0].pid, kPid);
}

TEST_F(DemuxerTest, GoesOnWithAnotherProgramWhenItsOwnHasGone) {
  writer.pat({{2, 0x101}, {3, 0x102}});
  writer.pmt({{kH264, kPid, {}}}, 2, 0x101);
  writer.pmt({{kH264, 0x301, {}}}, 3, 0x102);
  send_unit(0);
  writer.pat({{3, 0x102}}, 1);
  writer.pmt({{kH264, 0x301, {}}}, 3, 0x102);  // as it was passed over before
  send_unit(0, 0x301);
  EXPECT_EQ(units(), 2u);
  EXPECT_EQ(recorder.programs.size(), 2u);
}

TEST_F(DemuxerTest, AStreamThatStaysGoesOnThroughANewMap) {
  send_tables();
  send_unit(0);
  writer.pmt({{kH264, kPid, {}}});  // nothing new
  send();
  EXPECT_EQ(recorder.programs.size(), 1u);
  writer.pmt({{kH264, kPid, {}}, {0x0f, 0x201, {}}});  // of the same version
  send_unit(1);
  send();
  EXPECT_EQ(recorder.programs.size(), 2u);
  writer.pmt({{0x24, kPid, {}}}, 1, TsWriter::kPmtPid, 1);  // what was H.264 is H.265
  send_unit(2);
  EXPECT_EQ(units(), 2u);
  EXPECT_EQ(recorder.configs.size(), 1u);
}

// Its end is seen only now, and who takes it knows it by its PID.
TEST_F(DemuxerTest, TheLastUnitOfAStreamThatMovesComesBeforeTheNewMap) {
  send_tables();
  send_unit(0);
  send_unit(1);
  writer.pmt({{kH264, 0x210, {}}}, 1, TsWriter::kPmtPid, 1);
  send_unit(0, 0x210);
  send();
  ASSERT_EQ(recorder.programs.size(), 2u);
  EXPECT_EQ(recorder.units_at_program, (std::vector<size_t>{0, 2}));
  EXPECT_EQ(recorder.of(kPid).size(), 2u);
  writer.pmt({{kTimedMetadata, 0x300, {}}}, 1, TsWriter::kPmtPid, 2);  // it is not there any more
  send();
  EXPECT_EQ(recorder.units_at_program, (std::vector<size_t>{0, 2, 3}));
}

TEST_F(DemuxerTest, SectionsOverPacketsAndSeveralInOne) {
  std::vector<TsWriter::Entry> entries;
  for (uint16_t i = 0; i < 20; ++i)
    entries.push_back({kTimedMetadata, static_cast<uint16_t>(0x400 + i), ByteVector(30)});
  entries.push_back({kH264, kPid, {}});
  // The map of program 1 in five packets; behind its end, in the last of them, program 2's.
  const ByteVector first = TsWriter::pmt_section(entries),
                   second = TsWriter::pmt_section({{kH264, 0x301, {}}}, 2);
  writer.pat({{1, 0x100}, {2, 0x100}});
  const ByteVector whole = bytes_of({0}) + first;
  const size_t cut = whole.size() - whole.size() % TsWriter::kPayload;
  writer.payload(0x100, Bytes(whole).first(cut));
  const Bytes rest = Bytes(whole).subspan(cut);
  writer.payload(0x100, bytes_of({static_cast<int>(rest.size())}) + rest + second);
  send_unit(0);
  EXPECT_EQ(units(), 1u);
  ASSERT_EQ(recorder.programs.size(), 1u);
  EXPECT_EQ(recorder.programs[0].size(), 21u);
}

TEST_F(DemuxerTest, RefusesTablesThatAreNotSound) {
  writer.pat();
  ByteVector broken = TsWriter::pmt_section({{kH264, kPid, {}}});
  broken[12] ^= std::byte{1};
  writer.send_section(TsWriter::kPmtPid, broken);                                    // CRC
  writer.payload(TsWriter::kPmtPid, bytes_of({200}) + ByteVector(20));               // pointer
  writer.payload(TsWriter::kPmtPid, bytes_of({0, 2, 0xbf, 0xff}) + ByteVector(50));  // length
  writer.send_section(TsWriter::kPmtPid,
                      TsWriter::section(2, bytes_of({0, 1, 0xc0, 0, 0, 0, 0, 0, 0, 0x1b, 0xe2, 0})));  // next
  writer.send_section(TsWriter::kPmtPid,
                      TsWriter::section(2, bytes_of({0, 1, 0xc1, 0, 0, 0, 0, 0, 0, 0x1b, 0xe2, 0})));  // cut
  writer.pmt({{kH264, kPid, {}}}, 9);  // another program's
  send_unit(0);
  EXPECT_EQ(units(), 0u);
  EXPECT_TRUE(recorder.programs.empty());
  EXPECT_EQ(demuxer.stats().refused_sections, 3u);
}

TEST_F(DemuxerTest, ASectionWithAHoleIsNotPutTogether) {
  std::vector<TsWriter::Entry> entries(1, {kH264, kPid, {}});
  for (uint16_t i = 0; i < 20; ++i)
    entries.push_back({kTimedMetadata, static_cast<uint16_t>(0x400 + i), ByteVector(30)});
  const ByteVector whole = bytes_of({0}) + TsWriter::pmt_section(entries);
  writer.pat();
  for (const bool hole : {true, false}) {
    for (size_t at = 0; at < whole.size(); at += TsWriter::kPayload) {
      if (hole && at == TsWriter::kPayload) {
        writer.lose(TsWriter::kPmtPid);
        continue;
      }
      writer.packet(TsWriter::kPmtPid, at == 0,
                    Bytes(whole).subspan(at, std::min(TsWriter::kPayload, whole.size() - at)));
    }
    send();
    EXPECT_EQ(recorder.programs.size(), hole ? 0u : 1u);
  }
}

TEST_F(DemuxerTest, PacketsSentTwiceAndAnnouncedJumpsAreNoLoss) {
  send_tables();
  TsWriter::Pes stated;
  stated.stated = true;
  writer.pes(kPid, key_unit(0), stated);
  const ByteVector unit_0 = writer.take();
  demuxer.feed(unit_0);
  demuxer.feed(Bytes(unit_0).last(kPacketBytes));  // twice
  writer.lose(kPid, 5);
  TsWriter::Pes pes;
  writer.packet(kPid, true, TsWriter::pes_packet(unit(1), pes), true);
  ASSERT_EQ(units(), 2u);
  EXPECT_EQ(demuxer.stats().discontinuities, 0u);
  EXPECT_FALSE(recorder.units[1].unit.after_loss);
}

// The same counter and other bytes: 16 packets are missing.
TEST_F(DemuxerTest, ARoundOfTheCounterIsALoss) {
  send_tables();
  send_unit(0);
  send_unit(1);
  writer.lose(kPid, 15);
  send_unit(2);
  EXPECT_EQ(units(), 2u);
  EXPECT_EQ(demuxer.stats().discontinuities, 1u);
}

TEST_F(DemuxerTest, PacketsThatCannotBeUsedAreMissing) {
  for (const int bad : {0, 1, 2}) {
    recorder.units.clear();
    send_tables();
    for (const int number : {0, 1, 2}) send_unit(number);
    ByteVector stream = writer.take();
    std::byte* const packet = stream.data() + stream.size() - kPacketBytes;
    if (bad == 0) packet[1] |= std::byte{0x80};  // transport error
    if (bad == 1) packet[3] |= std::byte{0x80};  // scrambled
    if (bad == 2) packet[3] &= std::byte{0xcf};  // neither field nor payload
    demuxer.feed(stream);
    send_unit(3);
    EXPECT_EQ(units(), 2u) << bad;  // it may have been the end of the second
  }
  EXPECT_EQ(demuxer.stats().unusable_packets, 3u);
}

TEST_F(DemuxerTest, FindsTheNextPacketBehindJunk) {
  send_tables();
  for (const int number : {0, 1, 2}) send_unit(number);
  ByteVector stream = ByteVector(100) + writer.take();
  for (int number = 3; number < 9; ++number) send_unit(number);
  stream = std::move(stream) + ByteVector(77, kSyncByte) + writer.take();
  for (const size_t step : {size_t{1}, size_t{100}, stream.size()}) {
    recorder.units.clear();
    const uint64_t before = demuxer.stats().sync_losses;
    for (size_t at = 0; at < stream.size(); at += step)
      demuxer.feed(Bytes(stream).subspan(at, std::min(step, stream.size() - at)));
    demuxer.flush();
    ASSERT_GE(recorder.units.size(), 6u) << step;
    EXPECT_EQ(recorder.units.back().unit.pts, 8 * 3600u);
    EXPECT_GE(demuxer.stats().sync_losses - before, 2u);
  }
}

TEST_F(DemuxerTest, FlushBeginsAnew) {
  send_tables();
  send_unit(0);
  EXPECT_EQ(units(), 1u);
  send_unit(0);
  EXPECT_EQ(units(), 1u);  // of no program
  send_tables();
  send_unit(0);
  EXPECT_EQ(units(), 2u);
}

TEST_F(DemuxerTest, KeepsToItsLimits) {
  std::vector<std::pair<uint16_t, uint16_t>> programs;
  for (uint16_t i = 0; i < kMaxPrograms + 1; ++i) programs.emplace_back(i + 1, 0x100 + i);
  std::vector<TsWriter::Entry> entries;
  for (uint16_t i = 0; i < kMaxStreams + 1; ++i)
    entries.push_back({kH264, static_cast<uint16_t>(kPid + i), {}});
  writer.pat(programs);
  writer.pmt({{kH264, kPid, {}}}, programs.back().first, programs.back().second);
  send();
  EXPECT_TRUE(recorder.programs.empty());
  writer.pmt(entries);
  for (const TsWriter::Entry& entry : entries) send_unit(0, entry.pid);
  EXPECT_EQ(units(), kMaxTakenStreams);
  ASSERT_EQ(recorder.programs.size(), 1u);
  EXPECT_EQ(recorder.programs[0].size(), kMaxStreams);
}

TEST_F(DemuxerTest, PidsThatCannotBeAStreamsAreLeftOut) {
  writer.pat({{1, 0x0001}, {2, 0x1fff}, {3, 0x100}});
  writer.pmt({{kH264, 0x000f, {}}, {kH264, 0x1fff, {}}, {kH264, kPid, {}}, {0x24, kPid, {}}}, 3);
  send_unit(0);
  EXPECT_EQ(units(), 1u);
  ASSERT_EQ(recorder.programs.size(), 1u);
  ASSERT_EQ(recorder.programs[0].size(), 1u);
  EXPECT_EQ(recorder.programs[0][0].name, "H.264");
}

TEST_F(DemuxerTest, PesPacketsThatMakeNoSenseAreLosses) {
  send_tables();
  send_unit(0);
  writer.payload(kPid, bytes_of({0, 0, 2, 0xe0, 0, 0, 0x80, 0, 0}) + unit(1));  // start code
  writer.payload(kPid, bytes_of({0, 0, 1, 0xe0, 0, 0, 0x40, 0, 0}) + unit(2));  // form
  writer.payload(kPid,
                 bytes_of({0, 0, 1, 0xe0, 0, 4, 0x80, 0, 9}) + unit(3));  // header longer than the packet
  send_unit(0);
  writer.payload(kPid, bytes_of({0, 0, 1, 0xbe, 0, 9}) + ByteVector(9));  // padding: none
  send_unit(5);
  ASSERT_EQ(units(), 2u);
  EXPECT_EQ(demuxer.stats().broken_pes, 3u);
  EXPECT_TRUE(recorder.units[0].unit.after_loss);
  EXPECT_FALSE(recorder.units[1].unit.after_loss);
}

}  // namespace
}  // namespace headgate::mpegts
