// SPDX-License-Identifier: LGPL-2.1-or-later
// Sections of the program tables, put together out of packets (ISO/IEC 13818-1, 2.4.4).
#pragma once

#include <cstdint>
#include <vector>

#include <base/bytes.h>

#include "packet.h"

namespace headgate::mpegts {

// CRC_32 (annex A): 0 over a section with its CRC.
uint32_t crc32(Bytes data);

class SectionReader {
 public:
  explicit SectionReader(Stats& stats) : stats_(&stats) {}
  // The sections that end in this packet and are sound. Those that repeat the last one are left out.
  std::vector<ByteVector> feed(const Packet& packet);

 private:
  void take(Bytes payload, std::vector<ByteVector>& sections);
  void abandon() { section_.clear(), collecting_ = false; }

  Stats* stats_;
  Continuity continuity_;
  ByteVector section_;  // that is coming in
  ByteVector last_;     // that was given
  bool collecting_ = false;
};

}  // namespace headgate::mpegts
