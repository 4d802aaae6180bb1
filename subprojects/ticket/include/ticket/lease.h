// SPDX-License-Identifier: LGPL-2.1-or-later
// Who holds a ticket now: an honest publisher that comes back is let in at once, a second one is not. The
// node's own table of docs/tickets.md, "Leases". Memory only; not thread-safe. Times are Clock::mono_us() and
// Clock::utc_seconds().
#pragma once

#include <map>
#include <optional>
#include <string>

#include <ticket/device.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

// A holder without a device key from whom nothing came for longer than this may be replaced from another
// address.
inline constexpr int64_t kStockSilenceUs = 4'000'000;
// One with a key is no longer alive after the first, and may be replaced after the second: it comes back by
// itself, from wherever it is then.
inline constexpr int64_t kDeviceAliveUs = 15'000'000;
inline constexpr int64_t kDeviceSilenceUs = 180'000'000;

// Who asks: the device, where it has a key, or else its address.
struct Claimant {
  std::string address;  // source IP without port, as the carrier writes it
  std::optional<Device> device = std::nullopt;
};

enum class LeaseKind {
  kFirst,     // nobody held the ticket
  kResume,    // the holder is back; its old session is over, even if it looks alive
  kTakeover,  // somebody else after a silent holder: to be shown to the organiser
};
const char* name_of(LeaseKind kind);  // "first", "resume", "takeover": for logs

struct Lease {
  LeaseKind kind = LeaseKind::kFirst;
  uint64_t epoch = 0;  // larger than every epoch of this ticket before: the fencing token
};

// What a table knows of one ticket, for another table after it.
struct Holding {
  TicketId tid{};
  Claimant holder;
  uint64_t epoch = 0;
  uint32_t expires = 0;  // Unix seconds, the ticket's
};

class LeaseTable {
 public:
  // For a ticket that has been verified, once the publisher has proved that it knows the seed. A granted
  // claim supersedes the epoch before it. Refusals: kConflict; kLocked, when the ticket's policy is
  // kTakeoverNever and another address or device has held it, or a device that is silent may still come back;
  // kUnauthorized, when a device's counter has not grown.
  Result<Lease> claim(const Ticket& ticket, const Claimant& claimant, int64_t mono_us);
  // What claim() would say now, changing nothing: for a publisher that has not proved anything yet.
  Result<LeaseKind> would_grant(const Ticket& ticket, const Claimant& claimant, int64_t mono_us) const;

  // Data came from the session with this epoch. Superseded epochs are ignored.
  void received(const TicketId& tid, uint64_t epoch, int64_t mono_us);

  std::optional<Holding> holding(const TicketId& tid) const;
  // Of a table before this one: the holder counts as one who was here just now. Passed over when this table
  // has that epoch or a later one.
  void restore(const Holding& holding, int64_t mono_us);

  // Forgets tickets that can no longer be used, so that the table is bounded by the tickets in force.
  void drop_expired(int64_t utc_seconds);
  size_t size() const { return records_.size(); }

 private:
  struct Record {
    Claimant holder;
    uint64_t epoch = 0;
    int64_t last_received_us = 0;
    uint32_t expires = 0;
  };
  static Result<LeaseKind> judge(const Ticket& ticket, const Record& record, const Claimant& claimant,
                                 int64_t silent_us);
  std::map<TicketId, Record> records_;
};

}  // namespace headgate::ticket
