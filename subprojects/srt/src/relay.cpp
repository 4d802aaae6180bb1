// SPDX-License-Identifier: LGPL-2.1-or-later
#include <srt/relay.h>

namespace headgate::srt {
namespace {

constexpr uint8_t kStatsVersion = 1;

bool is_payload(Bytes bytes) {
  return !bytes.empty() && bytes.size() <= kMaxPayload;
}

Result<RelayPacket> decode_after_hole(Bytes packet) {
  ByteReader reader(packet);
  reader.skip(1);
  AfterHole out;
  out.missing = reader.u8();
  out.payload = reader.rest();
  if (out.missing == 0 || !is_payload(out.payload)) return Unexpected("a hole of a wrong form");
  return RelayPacket(out);
}

Result<RelayPacket> decode_stats(Bytes packet) {
  ByteReader reader(packet);
  reader.skip(1);
  if (reader.u8() != kStatsVersion) return Unexpected("link statistics of another version");
  LinkStats out;
  out.mono_us = static_cast<int64_t>(reader.u64());
  for (uint64_t* value : {&out.received_packets, &out.received_bytes, &out.retransmitted_packets,
                          &out.lost_packets, &out.dropped_packets, &out.undecrypted_packets, &out.held_ms})
    *value = reader.u64();
  for (uint32_t* value : {&out.rtt_us, &out.bandwidth_kbps, &out.rate_kbps, &out.buffer_ms, &out.latency_ms})
    *value = reader.u32();
  if (!reader.ok() || reader.remaining() > 0) return Unexpected("link statistics of a wrong length");
  return RelayPacket(out);
}

}  // namespace

void encode(const LinkStats& stats, ByteVector& out) {
  ByteWriter writer(out);
  writer.u8(std::to_integer<uint8_t>(kStatsMark));
  writer.u8(kStatsVersion);
  writer.u64(static_cast<uint64_t>(stats.mono_us));
  for (uint64_t value : {stats.received_packets, stats.received_bytes, stats.retransmitted_packets,
                         stats.lost_packets, stats.dropped_packets, stats.undecrypted_packets, stats.held_ms})
    writer.u64(value);
  for (uint32_t value :
       {stats.rtt_us, stats.bandwidth_kbps, stats.rate_kbps, stats.buffer_ms, stats.latency_ms})
    writer.u32(value);
}

Result<RelayPacket> decode_relay(Bytes packet) {
  if (packet.empty()) return Unexpected("an empty packet");
  if (packet.size() > kMaxPacket)
    return Unexpected("a packet of " + std::to_string(packet.size()) + " bytes");
  if (packet.front() == kStatsMark) return decode_stats(packet);
  if (packet.front() == kHoleMark) return decode_after_hole(packet);
  if (packet.front() == kUnalignedMark)
    packet = packet.subspan(1);
  else if (packet.front() != kTsSync)
    return Unexpected("a packet of an unknown kind");
  if (!is_payload(packet)) return Unexpected("a payload of a wrong length");
  return RelayPacket(packet);
}

}  // namespace headgate::srt
