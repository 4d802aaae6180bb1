// SPDX-License-Identifier: LGPL-2.1-or-later
// LT1 wire tokens: the 120 public, signed bytes that name a station's right to publish, and their
// verification in memory (no I/O). docs/tickets.md has the format. All functions are pure and thread-safe
// unless said.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <base/bytes.h>
#include <base/result.h>

namespace headgate::ticket {

inline constexpr size_t kWireSize = 120;       // bytes of W
inline constexpr size_t kWireTextSize = 160;   // characters of W in base64url
inline constexpr size_t kSignedSize = 56;      // W[0..56) is what the issuer signs
inline constexpr int64_t kGraceSeconds = 900;  // clock grace before nbf and after exp

using TicketId = std::array<std::byte, 16>;
using Seed = std::array<std::byte, 16>;
using Key = std::array<std::byte, 32>;

enum Flag : uint16_t {
  kFlagBearerOverTls = 1 << 0,   // static bearer allowed over TLS
  kFlagChallengePlain = 1 << 1,  // RTMP challenge-response allowed without TLS
  kFlagDeviceUpload = 1 << 2,
  kFlagRehearsal = 1 << 3,
  kFlagTakeoverShift = 4,  // b4-5: takeover policy
  kFlagSessionsShift = 6,  // b6-7: max sessions minus one
};
// What a ticket says of another device that wants to go on with it (Ticket::takeover_policy).
enum Takeover : int {
  kTakeoverNever = 0,
  kTakeoverAfterSilence = 1,
  kTakeoverContested = 2,  // the same, and who comes too early is recorded beside the holder
};
enum CodecBit : uint16_t { kH264 = 1 << 0, kH265 = 1 << 1, kAv1 = 1 << 2, kAac = 1 << 8, kOpus = 1 << 9 };

// Why a publisher is refused: SRT's reject codes, used by every protocol (Error.code of this library's
// errors).
enum Refusal : int {
  kBadRequest = 1400,
  kUnauthorized = 1401,
  kOverload = 1402,
  kForbidden = 1403,
  kBadMode = 1405,
  kUnacceptable = 1406,
  kConflict = 1409,
  kUnsupportedMedia = 1415,
  kLocked = 1423,
  kDown = 1503,
  kNoStorage = 1507,
};

// The fields of W. Times are Unix seconds.
struct Ticket {
  uint8_t kid = 0;
  TicketId tid{};
  uint32_t event = 0;
  uint32_t station = 0;
  uint32_t not_before = 0;
  uint32_t expires = 0;
  uint16_t flags = 0;
  uint16_t max_kbps = 0;  // 0: no limit of the ticket's own
  uint16_t codecs = 0;    // CodecBit; 0: no limit of the ticket's own
  std::array<std::byte, 16> hints_hash{};
  std::array<std::byte, kWireSize> wire{};  // as received

  int takeover_policy() const { return flags >> kFlagTakeoverShift & 3; }
  int max_sessions() const { return (flags >> kFlagSessionsShift & 3) + 1; }
  std::string wire_text() const;  // base64url
};

// Form only (length, alphabet, version, reserved bits): says nothing about the signature. Error.code
// kBadRequest.
Result<Ticket> parse_wire(std::string_view base64url);
Result<Ticket> parse_wire(Bytes wire);

}  // namespace headgate::ticket
