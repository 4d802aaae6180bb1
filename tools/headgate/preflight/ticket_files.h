// SPDX-License-Identifier: LGPL-2.1-or-later
// Tickets as they were issued: files of `headgate ticket issue --format json`, and of texts as QR codes or
// stream keys hold them, one in each line.
#pragma once

#include <string>
#include <vector>

#include <base/result.h>
#include <ticket/hints.h>
#include <ticket/qr_ticket.h>

namespace headgate::preflight {

inline constexpr size_t kMaxTicketFile = 64u << 20;
inline constexpr size_t kMaxTicketFiles = 100'000;

struct GivenTicket {
  std::string place;  // "tickets.txt:12"
  std::string wire;   // W as text; empty: see fault
  std::string fault;
  std::vector<ticket::Endpoint> endpoints;  // empty: it does not say
};

// One line of such a file.
GivenTicket read_ticket(const std::string& text, const std::string& place,
                        const ticket::FleetKeys& fleet_keys);
// Of a file, or of all *.json and *.txt of a folder.
Result<std::vector<GivenTicket>> read_tickets(const std::string& path, const ticket::FleetKeys& fleet_keys);

}  // namespace headgate::preflight
