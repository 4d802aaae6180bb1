// SPDX-License-Identifier: LGPL-2.1-or-later
// Transport stream packets (ISO/IEC 13818-1, 2.4.3.2 to 2.4.3.5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <base/bytes.h>
#include <mpegts/demuxer.h>

namespace headgate::mpegts {

inline constexpr uint16_t kPatPid = 0, kFirstFreePid = 0x10, kNullPid = 0x1fff;

struct Packet {
  uint16_t pid = 0;
  bool start = false;          // payload_unit_start_indicator
  bool discontinuity = false;  // discontinuity_indicator: the counter may jump here
  uint8_t counter = 0;
  Bytes payload;  // empty: none
};

// `data` has kPacketBytes and begins with the sync byte. Nothing: a packet that cannot be used.
std::optional<Packet> parse_packet(Bytes data);

// A PID's continuity_counter (2.4.3.3).
class Continuity {
 public:
  enum class Step {
    next,       // as it should be, or the first
    duplicate,  // sent twice: to be ignored
    gap,        // packets are missing before this one
    restart,    // the counter jumps as the sender announced
  };
  // Of a packet with payload.
  Step step(const Packet& packet);

 private:
  std::optional<uint8_t> last_;
  std::array<std::byte, kPacketBytes>
      payload_;  // of the last packet: what tells a duplicate from a gap of 16
  size_t size_ = 0;
};

}  // namespace headgate::mpegts
