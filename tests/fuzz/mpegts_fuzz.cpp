// SPDX-License-Identifier: LGPL-2.1-or-later
// A transport stream as it comes, or behind sound tables, or the elementary streams' bytes in sound packets,
// or tables whose CRC is right. First byte: which, and how it is cut.
#include <mpegts/demuxer.h>

#include <cstdio>
#include <cstdlib>
#include <map>

#include <codec/nal.h>

#include "../support/ts_writer.h"

namespace {

using namespace headgate;
using test::bytes_of;
using test::TsWriter;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

class Checker : public mpegts::Sink {
 public:
  uint64_t units = 0;

  void on_program(std::span<mpegts::Stream> streams) override {
    require(streams.size() <= mpegts::kMaxStreams, "streams of a program");
    for (mpegts::Stream& stream : streams) {
      require(!stream.name.empty(), "a stream without a name");
      stream.taken = true;
    }
  }
  void on_config(uint16_t pid, const codec::Track& track) override {
    require(track.timescale > 0, "timescale");
    tracks_[pid] = track;
  }
  void on_problem(uint16_t, const std::string& problem) override { require(!problem.empty(), "no problem"); }
  std::span<std::byte> begin(const mpegts::Unit& unit) override {
    require(room_.empty(), "two units at once");
    require(tracks_.contains(unit.pid), "a unit that nothing describes");
    require(unit.size > 0 && unit.size <= mpegts::kMaxUnitBytes, "a unit's size");
    require(unit.pts.has_value() == unit.dts.has_value(), "one time of two");
    require(unit.pts.value_or(0) < mpegts::kTimeWrap && unit.dts.value_or(0) < mpegts::kTimeWrap, "33 bits");
    ++units;
    if (unit.size % 16 == 7) return {};  // not wanted
    room_.resize(unit.size);
    return room_;
  }
  void complete(const mpegts::Unit& unit, std::span<std::byte> data) override {
    require(data.data() == room_.data() && data.size() == unit.size, "another unit's room");
    const codec::Track& track = tracks_[unit.pid];
    if (track.kind == codec::Kind::video) {
      codec::NalReader reader(data, 4);
      bool slice = false;
      while (const auto nal = reader.next()) slice |= codec::is_vcl(track.codec, *nal);
      require(reader.ok() && slice, "NAL units");
    }
    room_.clear();
  }

 private:
  std::map<uint16_t, codec::Track> tracks_;
  ByteVector room_;
};

constexpr uint16_t kFirstPid = 0x200;

void write_tables(TsWriter& writer) {
  writer.pat();
  writer.pmt({{0x1b, kFirstPid, {}},
              {0x24, kFirstPid + 1, {}},
              {0x0f, kFirstPid + 2, {}},
              {0x06, kFirstPid + 3, bytes_of({0x05, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, 2})},
              {0x81, kFirstPid + 4, {}},
              {0x87, kFirstPid + 5, {}}});
}

// Records: what (stream, begins a PES packet, states its length, a packet is lost before it), length, bytes.
void write_streams(TsWriter& writer, ByteReader input) {
  constexpr unsigned kStreams = 6;
  uint64_t time = 0;
  while (input.remaining() >= 2) {
    const unsigned what = input.u8(), length = input.u8();
    const Bytes data = input.bytes(std::min<size_t>(input.remaining(), length));
    const auto pid = static_cast<uint16_t>(kFirstPid + what % 8 % kStreams);
    if (what & 0x08) writer.lose(pid);
    TsWriter::Pes pes;
    if (what & 0x40) pes.pts = time += 3600;
    pes.stated = what & 0x20;
    if (what & 0x10)
      writer.pes(pid, data, pes);
    else
      writer.payload(pid, data, false);
  }
}

void write_sections(TsWriter& writer, ByteReader input) {
  while (input.remaining() >= 3) {
    const uint8_t what = input.u8();
    const Bytes body = input.bytes(std::min<size_t>(input.remaining(), input.u8() * 4u));
    writer.send_section(what & 1 ? 0 : TsWriter::kPmtPid, TsWriter::section(what & 2 ? 0 : 2, body));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes input = std::as_bytes(std::span(data + 1, size - 1));
  const unsigned mode = data[0] % 4;
  const size_t step = 1 + (data[0] / 4) * 47;
  TsWriter writer;
  if (mode > 0) write_tables(writer);
  if (mode == 2) write_streams(writer, ByteReader(input));
  if (mode == 3) write_sections(writer, ByteReader(input));
  ByteVector stream = writer.take();
  if (mode < 2) stream.insert(stream.end(), input.begin(), input.end());
  Checker checker;
  mpegts::Demuxer demuxer(checker);
  const Bytes all(stream);
  for (size_t at = 0, piece = 1; at < all.size(); at += step, ++piece) {
    demuxer.feed(all.subspan(at, std::min(step, all.size() - at)));
    if (data[0] >= 192 && piece % 4 == 0) demuxer.lose(step);
  }
  demuxer.flush();
  const mpegts::Stats& stats = demuxer.stats();
  require(stats.units == checker.units, "units");
  require(stats.packets <= all.size() / mpegts::kPacketBytes, "more packets than bytes");
  return 0;
}
