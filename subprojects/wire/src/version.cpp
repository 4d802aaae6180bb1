// SPDX-License-Identifier: LGPL-2.1-or-later
#include <wire/version.h>

#include <algorithm>

namespace headgate::wire {
namespace {

constexpr std::array kFront = {std::byte{'H'}, std::byte{'G'}, std::byte{'W'}, std::byte{0xff}};

std::byte part(uint16_t value, unsigned shift) {
  return static_cast<std::byte>((value >> shift) & 0xffU);
}

}  // namespace

std::optional<Age> age_of(Version peer, Version own) {
  if (peer.major != own.major) return std::nullopt;
  if (peer.minor == own.minor) return Age::same;
  return peer.minor < own.minor ? Age::older : Age::newer;
}

std::string text_of(Version version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::array<std::byte, kGreetingBytes> greeting(Version version) {
  return {kFront[0],
          kFront[1],
          kFront[2],
          kFront[3],
          part(version.major, 8),
          part(version.major, 0),
          part(version.minor, 8),
          part(version.minor, 0)};
}

std::optional<Version> read_greeting(Bytes packet) {
  if (packet.size() < kGreetingBytes || packet.size() > kMaxGreetingBytes) return std::nullopt;
  if (!std::equal(kFront.begin(), kFront.end(), packet.begin())) return std::nullopt;
  ByteReader reader(packet.subspan(kFront.size()));
  Version out;
  out.major = reader.u16();
  out.minor = reader.u16();
  return out;
}

}  // namespace headgate::wire
