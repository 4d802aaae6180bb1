// SPDX-License-Identifier: LGPL-2.1-or-later
// How an SRT caller says which ticket it has: Haivision's access control syntax, "#!::m=publish,r=421,u=W"
// (SRT Access Control Guidelines), or MediaMTX's short form, "publish:421:W". Form only: what it names is the
// Verifier's. Pure functions.
#pragma once

#include <optional>

#include <ticket/device.h>

namespace headgate::ticket {

inline constexpr size_t kMaxStreamIdSize = 512;  // characters, SRT's own limit

struct StreamId {
  std::string wire;                   // W as text, not yet looked at
  std::optional<uint32_t> station;    // none: only W says so
  std::optional<DeviceProof> device;  // lts_d and lts_p
  bool operator==(const StreamId&) const = default;
};

// Error.code: kBadRequest (form, no ticket in it, a key that is not known, a secret in it), kBadMode (not to
// publish), kUnsupportedMedia (t= other than stream). Error.message as Verifier's: short, for a log.
Result<StreamId> parse_stream_id(std::string_view text);

}  // namespace headgate::ticket
