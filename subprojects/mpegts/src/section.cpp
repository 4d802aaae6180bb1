// SPDX-License-Identifier: LGPL-2.1-or-later
#include "section.h"

#include <algorithm>
#include <array>

namespace headgate::mpegts {
namespace {

constexpr size_t kHeaderBytes = 3;  // table_id to section_length
constexpr size_t kCrcBytes = 4;
constexpr std::byte kStuffing{0xff};

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i << 24;
    for (int bit = 0; bit < 8; ++bit) value = value & 0x80000000 ? value << 1 ^ 0x04c11db7 : value << 1;
    table[i] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = crc_table();

size_t section_bytes(Bytes header) {
  return kHeaderBytes +
         (std::to_integer<size_t>(header[1] & std::byte{0x0f}) << 8 | std::to_integer<size_t>(header[2]));
}

}  // namespace

uint32_t crc32(Bytes data) {
  uint32_t crc = 0xffffffff;
  for (const std::byte byte : data) crc = crc << 8 ^ kCrcTable[crc >> 24 ^ std::to_integer<uint32_t>(byte)];
  return crc;
}

std::vector<ByteVector> SectionReader::feed(const Packet& packet) {
  std::vector<ByteVector> sections;
  if (packet.payload.empty()) return sections;
  switch (continuity_.step(packet)) {
    case Continuity::Step::duplicate:
      return sections;
    case Continuity::Step::gap:
      ++stats_->discontinuities;
      abandon();
      break;
    case Continuity::Step::restart:
      abandon();
      break;
    case Continuity::Step::next:
      break;
  }
  Bytes payload = packet.payload;
  if (packet.start) {
    // What stands before the pointer's target ends the section before.
    const size_t pointer = std::to_integer<size_t>(payload[0]);
    payload = payload.subspan(1);
    if (pointer > payload.size()) {
      ++stats_->refused_sections;
      abandon();
      return sections;
    }
    take(payload.first(pointer), sections);
    payload = payload.subspan(pointer);
    section_.clear();
    collecting_ = true;
  }
  take(payload, sections);
  return sections;
}

void SectionReader::take(Bytes payload, std::vector<ByteVector>& sections) {
  while (collecting_ && !payload.empty()) {
    if (section_.empty() && payload[0] == kStuffing) return abandon();
    const size_t wanted = section_.size() < kHeaderBytes ? kHeaderBytes : section_bytes(section_);
    const Bytes part = payload.first(std::min(payload.size(), wanted - section_.size()));
    section_.insert(section_.end(), part.begin(), part.end());
    payload = payload.subspan(part.size());
    if (section_.size() < kHeaderBytes) return;
    const size_t size = section_bytes(section_);
    if (size > kMaxSectionBytes || size < kHeaderBytes + kCrcBytes) {
      ++stats_->refused_sections;
      return abandon();
    }
    if (section_.size() < size) continue;
    if (section_ != last_) {
      if (crc32(section_) == 0) {
        last_ = section_;
        sections.push_back(section_);
      } else {
        ++stats_->refused_sections;
      }
    }
    section_.clear();
  }
}

}  // namespace headgate::mpegts
