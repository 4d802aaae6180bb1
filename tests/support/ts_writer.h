// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport streams made by hand (ISO/IEC 13818-1), right or wrong as a test wants them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <base/bytes.h>

namespace headgate::test {

inline ByteVector bytes_of(std::initializer_list<int> values) {
  ByteVector bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

inline ByteVector operator+(ByteVector a, Bytes b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class TsWriter {
 public:
  static constexpr size_t kPacket = 188, kPayload = 184;
  static constexpr uint16_t kPmtPid = 0x100;

  struct Entry {
    uint8_t type = 0;
    uint16_t pid = 0;
    ByteVector descriptors;
  };
  struct Pes {
    std::optional<uint64_t> pts, dts;
    bool stated = false;             // PES_packet_length, as it is
    std::optional<uint16_t> length;  // or this
    uint8_t stream_id = 0xe0;
  };

  const ByteVector& bytes() const { return out_; }
  ByteVector take() { return std::exchange(out_, {}); }

  // One packet; what is missing to 184 bytes is stuffing in front.
  void packet(uint16_t pid, bool start, Bytes payload, bool discontinuity = false) {
    ByteWriter writer(out_);
    const size_t room = kPayload - payload.size();
    writer.u8(0x47);
    writer.u16((start ? 0x4000u : 0u) | pid);
    const bool field = room > 0 || discontinuity;
    writer.u8((field ? 0x20u : 0u) | (payload.empty() ? 0u : 0x10u) | counters_[pid]);
    if (!payload.empty()) counters_[pid] = (counters_[pid] + 1) & 0x0f;
    if (room > 0) writer.u8(room - 1);
    if (room > 1) writer.u8(discontinuity ? 0x80 : 0);
    for (size_t i = 2; i < room; ++i) writer.u8(0xff);
    writer.bytes(payload);
  }
  // So many packets of the PID do not come.
  void lose(uint16_t pid, unsigned count = 1) { counters_[pid] = (counters_[pid] + count) & 0x0f; }

  // `start`: the first of them begins something.
  void payload(uint16_t pid, Bytes data, bool start = true) {
    for (; !data.empty(); start = false) {
      const Bytes part = data.first(std::min(data.size(), kPayload));
      packet(pid, start, part);
      data = data.subspan(part.size());
    }
  }

  static uint32_t crc(Bytes data) {
    uint32_t value = 0xffffffff;
    for (const std::byte byte : data)
      for (int bit = 7; bit >= 0; --bit) {
        const bool one = (value >> 31 ^ (std::to_integer<uint32_t>(byte) >> bit & 1)) & 1;
        value = value << 1 ^ (one ? 0x04c11db7 : 0);
      }
    return value;
  }
  // A section of what stands behind section_length, with its CRC.
  static ByteVector section(uint8_t table, Bytes body) {
    ByteVector out;
    ByteWriter writer(out);
    writer.u8(table);
    writer.u16(0xb000 | (body.size() + 4));
    writer.bytes(body);
    writer.u32(crc(out));
    return out;
  }
  void send_section(uint16_t pid, Bytes section) { payload(pid, bytes_of({0}) + section); }

  void pat(const std::vector<std::pair<uint16_t, uint16_t>>& programs = {{1, kPmtPid}}, uint8_t version = 0) {
    ByteVector body;
    ByteWriter writer(body);
    writer.u16(1);
    writer.u8(0xc1 | version << 1);
    writer.u16(0);
    for (const auto& program : programs) {
      writer.u16(program.first);
      writer.u16(0xe000 | program.second);
    }
    send_section(0, section(0, body));
  }
  static ByteVector pmt_section(const std::vector<Entry>& entries, uint16_t program = 1,
                                uint8_t version = 0) {
    ByteVector body;
    ByteWriter writer(body);
    writer.u16(program);
    writer.u8(0xc1 | version << 1);
    writer.u16(0);
    writer.u16(0xffff);  // no PCR
    writer.u16(0xf000);
    for (const Entry& entry : entries) {
      writer.u8(entry.type);
      writer.u16(0xe000 | entry.pid);
      writer.u16(0xf000 | entry.descriptors.size());
      writer.bytes(entry.descriptors);
    }
    return section(2, body);
  }
  void pmt(const std::vector<Entry>& entries, uint16_t program = 1, uint16_t pid = kPmtPid,
           uint8_t version = 0) {
    send_section(pid, pmt_section(entries, program, version));
  }

  static ByteVector pes_packet(Bytes data, const Pes& pes) {
    ByteVector out;
    ByteWriter writer(out);
    const size_t header = (pes.pts ? 5 : 0) + (pes.dts ? 5 : 0);
    writer.u24(1);
    writer.u8(pes.stream_id);
    writer.u16(pes.length ? *pes.length : pes.stated ? 3 + header + data.size() : 0);
    writer.u8(0x80);
    writer.u8((pes.pts ? 0x80 : 0) | (pes.dts ? 0x40 : 0));
    writer.u8(header);
    const auto time = [&](unsigned prefix, uint64_t value) {
      writer.u8(prefix << 4 | (value >> 30 & 7) << 1 | 1);
      writer.u16((value >> 15 & 0x7fff) << 1 | 1);
      writer.u16((value & 0x7fff) << 1 | 1);
    };
    if (pes.pts) time(pes.dts ? 3 : 2, *pes.pts);
    if (pes.dts) time(1, *pes.dts);
    writer.bytes(data);
    return out;
  }
  void pes(uint16_t pid, Bytes data, const Pes& pes) { payload(pid, pes_packet(data, pes)); }

 private:
  ByteVector out_;
  std::map<uint16_t, uint8_t> counters_;
};

}  // namespace headgate::test
