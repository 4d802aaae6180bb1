// SPDX-License-Identifier: LGPL-2.1-or-later
// The folder of an event's keys (docs/tickets.md, "The key folder"): event.json and one small text file for
// each key. Reading a node's part of it is load_node_keys in verifier.h. Errors name the file and what to do.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ticket/issuer.h>
#include <ticket/qr_ticket.h>

namespace headgate::ticket {

// event.json
struct EventFile {
  uint32_t event = 0;
  uint8_t kid = 1;              // what new tickets are signed with
  uint8_t fleet = 1;            // what new tickets are sealed with
  std::string region = "main";  // whose master keys are here: 1 to 32 of a-z, 0-9, '-'
};
Result<EventFile> load_event(const std::string& directory);
bool is_region_name(std::string_view name);

// `kid` instead of event.json's. The fleet key is read when `with_fleet`.
Result<IssuerKeys> load_issuer_keys(const std::string& directory, std::optional<uint8_t> kid,
                                    bool with_fleet);
// All that are there, none included.
Result<FleetKeys> load_fleet_keys(const std::string& directory);

// The folder within it that has a node's part of the keys and nothing else.
inline constexpr std::string_view kNodeFolder = "node";
// Whether tickets can be made with what is in the folder: a node's must not.
bool holds_issuer_secret(const std::string& directory);

// Makes the keys of `what` and writes them, secrets with mode 0600, and event.json unless the folder has one
// (which must be of the same event and region: that adds a spare kid). A node's part of them goes to
// kNodeFolder as well. Nothing is ever overwritten. Returns the paths written.
Result<std::vector<std::string>> create_keys(const std::string& directory, const EventFile& what);

}  // namespace headgate::ticket
