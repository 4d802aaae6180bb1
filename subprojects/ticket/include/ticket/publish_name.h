// SPDX-License-Identifier: LGPL-2.1-or-later
// How an RTMP publisher says which ticket it has, by the name that it publishes: as people type it into a
// client, "W" or "W.SECRET", behind a path and before a query that clients put there; or as an app says it,
// "STATION?t=W&d=KEY&p=PROOF&m=MAC". Form only: what it names is the Verifier's. Pure functions.
#pragma once

#include <optional>

#include <ticket/device.h>

namespace headgate::ticket {

// An app's form: no secret is sent, and the device has a key of its own.
struct AppProof {
  DeviceProof device;
  PossessionMac mac{};  // of the seed
  bool operator==(const AppProof&) const = default;
};

struct PublishName {
  std::string wire;                   // W as text, not yet looked at
  std::optional<std::string> secret;  // what stands behind its dot
  std::optional<uint32_t> station;    // none: only W says so
  std::optional<AppProof> app;
  bool operator==(const PublishName&) const = default;
};

// Error.code kBadRequest: an app's form with something missing, twice, or of a wrong form. Everything else is
// taken for a W.
Result<PublishName> parse_publish_name(std::string_view name);

}  // namespace headgate::ticket
