// SPDX-License-Identifier: LGPL-2.1-or-later
// The tables that say what is in a transport stream: PAT and PMT (ISO/IEC 13818-1, 2.4.4.3 and 2.4.4.8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <mpegts/demuxer.h>

namespace headgate::mpegts {

struct ProgramEntry {
  uint16_t number = 0, pmt_pid = 0;
  bool operator==(const ProgramEntry&) const = default;
};

// Sections whose CRC is right. Nothing: another table, not yet applicable, or of a form that makes no sense.
std::optional<std::vector<ProgramEntry>> parse_pat(Bytes section);

struct ProgramMap {
  uint16_t number = 0;
  std::vector<Stream> streams;
};
std::optional<ProgramMap> parse_pmt(Bytes section);

// Fills in what type and descriptors (2.6) say: kind, codec, name, Opus channels.
void describe(Stream& stream, Bytes descriptors);

}  // namespace headgate::mpegts
