// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes tickets. Holds an issuer's secret key: belongs on the organiser's machine, never on a node.
#pragma once

#include <map>
#include <optional>

#include <ticket/qr_ticket.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

struct FleetKey {
  uint8_t id = 0;
  Key key{};
};

struct IssuerKeys {
  uint32_t event = 0;
  uint8_t kid = 0;
  Key issuer{};  // Ed25519, RFC 8032's 32-byte private key
  Key master{};
  std::optional<FleetKey> fleet;  // needed to seal only
};

// What a ticket says; event and kid come from the keys. Times are Unix seconds.
struct IssueRequest {
  TicketId tid{};  // new_ticket_id(): unique for ever
  uint32_t station = 0;
  int64_t not_before = 0;
  int64_t expires = 0;
  uint16_t flags = kFlagChallengePlain | 1 << kFlagTakeoverShift;  // a broken phone can be replaced
  uint16_t max_kbps = 0;
  uint16_t codecs = kH264 | kAac;
  Hints hints;
  Seal seal = Seal::kNone;
};

struct Issued {
  Ticket ticket;
  Seed seed{};
  ByteVector blob;  // of the QR code
};

TicketId new_ticket_id();

// Not thread-safe: remembers what it has issued.
class Issuer {
 public:
  explicit Issuer(IssuerKeys keys);
  ~Issuer();  // wipes the keys
  Issuer(const Issuer&) = delete;
  Issuer& operator=(const Issuer&) = delete;

  // Refuses (kBadRequest) what LT1 or paper cannot carry, and a second, different ticket under a tid issued
  // before: the tid is the seal's nonce.
  Result<Issued> issue(const IssueRequest& request);

 private:
  Result<ByteVector> make_blob(const Issued& issued, Bytes hints, Seal seal) const;

  IssuerKeys keys_;
  std::map<TicketId, std::array<std::byte, 32>> issued_;  // hash of the open body
};

}  // namespace headgate::ticket
