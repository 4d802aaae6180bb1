// SPDX-License-Identifier: LGPL-2.1-or-later
// A clip as an MPEG transport stream (ISO/IEC 13818-1) in payloads of up to seven packets, as SRT carries it;
// made once and read by every session. A payload is copied for each sending, and its times and continuity
// counters are moved on by what the session has sent so far.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <load/clip.h>

namespace headgate::load {

class TsClip {
 public:
  static constexpr size_t kPacketBytes = 188, kPayloadBytes = 7 * kPacketBytes;

  struct Payload {
    uint32_t offset = 0;            // in the clip
    uint32_t size = 0;              // bytes
    uint32_t time_ms = 0;           // of the last frame that has a byte in it; does not decrease
    uint32_t times = 0;             // index of its first Time
    uint16_t video = 0, audio = 0;  // frames that end in it
  };

  // Of an FLV file that FlvMedia takes.
  static Result<TsClip> load(const std::string& path);
  static Result<TsClip> parse(Bytes flv);

  std::span<const Payload> payloads() const { return payloads_; }
  // Indices of payloads that begin with the tables and a key frame; not empty.
  std::span<const uint32_t> keyframes() const { return keyframes_; }
  int64_t length_ms() const { return length_ms_; }

  // The `count`-th payload of a session that begins with payloads()[first], into `out`, of kPayloadBytes. How
  // much of it is used.
  size_t copy(uint32_t first, uint64_t count, std::span<std::byte> out) const;
  // The frames that end in the first `count` payloads of such a session.
  Clip::Counts count(uint32_t first, uint64_t count) const;

 private:
  friend class TsMaker;
  // A PTS or DTS (33 bits in 5 bytes), or a PCR (in 6).
  struct Time {
    uint32_t at = 0;  // in the clip
    bool clock = false;
    uint64_t ticks = 0;
  };
  Clip::Counts before(uint64_t payload) const;

  ByteVector packets_;
  std::vector<Payload> payloads_;
  std::vector<Time> times_;
  std::vector<uint32_t> keyframes_;
  std::vector<Clip::Counts> before_;  // by payload; one more than there are payloads
  std::vector<uint8_t> continuity_;   // by PID: packets of one round
  int64_t length_ms_ = 0;
};

}  // namespace headgate::load
