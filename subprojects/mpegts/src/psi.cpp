// SPDX-License-Identifier: LGPL-2.1-or-later
#include "psi.h"

#include <algorithm>

#include "packet.h"

namespace headgate::mpegts {
namespace {

constexpr uint8_t kPatTable = 0, kPmtTable = 2;
constexpr size_t kCrcBytes = 4;

bool is_free_pid(uint16_t pid) {
  return pid >= kFirstFreePid && pid != kNullPid;
}

// What the long section syntax has in common. Leaves the reader behind last_section_number.
struct SectionHeader {
  uint16_t extension = 0;  // transport_stream_id, program_number
  uint8_t number = 0;
};
std::optional<SectionHeader> read_header(ByteReader& reader, uint8_t table) {
  const uint8_t table_id = reader.u8();
  const bool long_syntax = reader.u16() & 0x8000;
  SectionHeader header;
  header.extension = reader.u16();
  const bool current = reader.u8() & 1;  // else: the next to become applicable
  header.number = reader.u8();
  reader.skip(1);
  if (!reader.ok() || table_id != table || !long_syntax || !current) return std::nullopt;
  return header;
}

Bytes without_crc(Bytes section) {
  return section.first(section.size() - std::min(section.size(), kCrcBytes));
}

}  // namespace

std::optional<std::vector<ProgramEntry>> parse_pat(Bytes section) {
  ByteReader reader(without_crc(section));
  const auto header = read_header(reader, kPatTable);
  // One section has more programs than are looked at.
  if (!header || header->number != 0) return std::nullopt;
  std::vector<ProgramEntry> programs;
  while (reader.remaining() >= 4 && programs.size() < kMaxPrograms) {
    ProgramEntry entry;
    entry.number = reader.u16();
    entry.pmt_pid = reader.u16() & 0x1fff;
    const bool network = entry.number == 0;
    if (!network && is_free_pid(entry.pmt_pid)) programs.push_back(entry);
  }
  return programs;
}

std::optional<ProgramMap> parse_pmt(Bytes section) {
  ByteReader reader(without_crc(section));
  const auto header = read_header(reader, kPmtTable);
  if (!header) return std::nullopt;
  ProgramMap map;
  map.number = header->extension;
  reader.skip(2);  // PCR_PID
  reader.skip(reader.u16() & 0x0fff);
  while (reader.remaining() > 0 && map.streams.size() < kMaxStreams) {
    Stream stream;
    stream.type = reader.u8();
    stream.pid = reader.u16() & 0x1fff;
    const Bytes descriptors = reader.bytes(reader.u16() & 0x0fff);
    if (!reader.ok()) return std::nullopt;
    const bool known = std::any_of(map.streams.begin(), map.streams.end(),
                                   [&](const Stream& other) { return other.pid == stream.pid; });
    if (known || !is_free_pid(stream.pid)) continue;
    describe(stream, descriptors);
    map.streams.push_back(std::move(stream));
  }
  if (!reader.ok()) return std::nullopt;
  return map;
}

}  // namespace headgate::mpegts
