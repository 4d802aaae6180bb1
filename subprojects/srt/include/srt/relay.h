// SPDX-License-Identifier: LGPL-2.1-or-later
// What goes from the process that holds an SRT socket to the one that runs its session, over a SEQPACKET
// socketpair: an SRT connection cannot be handed over as a descriptor. One way only. The end of either side
// is the end of both: the session reads end-of-file when the publisher has gone, and closes its end to have
// the publisher cut off.
//
// A packet's first byte says what it is:
//   0x47    MPEG-TS, the whole packet: one SRT payload as it came
//   'u'     likewise what follows it: a payload that does not begin with a TS packet (a sender that cuts its
//           stream anywhere, or what is no TS)
//   'h'     likewise, behind a hole: how many payloads did not come before it (one byte; 255: or more), then
//   it 's'     LinkStats, about once a second
// Nothing of it is trusted by the reader: the payload is a stranger's, and the packet of the bounds given
// here.
#pragma once

#include <variant>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::srt {

inline constexpr size_t kMaxPayload = 1456;            // of an SRT live packet (SRT_LIVE_MAX_PLSIZE)
inline constexpr size_t kMaxPacket = 2 + kMaxPayload;  // of the pair; a buffer so large takes every packet

inline constexpr std::byte kTsSync{0x47};
inline constexpr std::byte kUnalignedMark{'u'};
inline constexpr std::byte kHoleMark{'h'};
inline constexpr std::byte kStatsMark{'s'};

// Of one connection, as the receiving side sees it. Counts are totals since it began.
struct LinkStats {
  int64_t mono_us = 0;                 // when it was measured, Clock::mono_us()
  uint64_t received_packets = 0;       // data packets that came, each once
  uint64_t received_bytes = 0;         // of them, with 16 bytes of header and 28 of UDP and IP
  uint64_t retransmitted_packets = 0;  // that came again
  uint64_t lost_packets = 0;           // that were missed, most of which came later
  uint64_t dropped_packets = 0;        // that came too late or never: holes in the stream
  uint64_t undecrypted_packets = 0;
  uint64_t held_ms = 0;         // the session did not take what had come
  uint32_t rtt_us = 0;          // round trip, smoothed
  uint32_t bandwidth_kbps = 0;  // what the path could carry, estimated; 0: not known
  uint32_t rate_kbps = 0;       // what came since the message before
  uint32_t buffer_ms = 0;       // waiting for its time, or for the session
  uint32_t latency_ms = 0;      // that was agreed upon
  bool operator==(const LinkStats&) const = default;
};

void encode(const LinkStats& stats, ByteVector& out);  // appends a packet

struct AfterHole {
  unsigned missing = 1;  // payloads; kManyMissing: or more
  Bytes payload;
};
inline constexpr unsigned kManyMissing = 255;

// TS bytes (a view into the packet, never empty), or what the link is like.
using RelayPacket = std::variant<Bytes, AfterHole, LinkStats>;
// Refuses empty, unknown, cut short and too long ones.
Result<RelayPacket> decode_relay(Bytes packet);

}  // namespace headgate::srt
