// SPDX-License-Identifier: LGPL-2.1-or-later
// Which protocol a process of a node speaks. Processes of an old version run beside those of a new one, and
// each end of a connection says first what it speaks, in a packet whose form is the same in all versions:
// "HGW", u8 0xff, u16 major, u16 minor, and whatever a later version adds.
//   Another major: incompatible. Neither end reads another byte of the other's, and the connection ends.
//   Another minor: compatible. A minor adds fields at the ends of messages, and types of messages behind the
//   present ones. Who is older ignores both. Who is newer finds them missing, and takes each field's default,
//   which has to mean "not told". A list's elements (Isolation, Suspect) have no end of their own to be added
//   to. Anything else (a field that goes, means something else or is inserted; the layout of wire/marks.h) is
//   another major.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <base/bytes.h>

namespace headgate::wire {

struct Version {
  uint16_t major = 0, minor = 0;
  bool operator==(const Version&) const = default;
};
inline constexpr Version kVersion{1, 2};

// A peer, held against ourselves.
enum class Age { same, older, newer };
// Nothing: incompatible.
std::optional<Age> age_of(Version peer, Version own = kVersion);

std::string text_of(Version version);  // "1.1"

inline constexpr size_t kGreetingBytes = 8;
inline constexpr size_t kMaxGreetingBytes = 256;
std::array<std::byte, kGreetingBytes> greeting(Version version = kVersion);
// Nothing: it is none.
std::optional<Version> read_greeting(Bytes packet);

}  // namespace headgate::wire
