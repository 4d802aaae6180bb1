// SPDX-License-Identifier: LGPL-2.1-or-later
// What a node holds to admit publishers: issuers' public keys and its region's master keys, never an issuer's
// secret. Loaded from a folder, then only memory; key_folder.h tells when the folder has others.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <base/guarded.h>
#include <ticket/device.h>
#include <ticket/ticket.h>

namespace headgate::ticket {

// A folder written by `headgate ticket keygen` (docs/tickets.md): event.json, issuer-<kid>.pub,
// master-<region>-<kid>.key.
struct NodeKeys {
  uint32_t event = 0;
  std::map<uint8_t, Key> issuers;  // public keys by kid
  std::map<uint8_t, Key> masters;  // by kid
  bool operator==(const NodeKeys&) const = default;
};
// The error names the file and what to do.
Result<NodeKeys> load_node_keys(const std::string& directory);
std::string kids_of(const NodeKeys& keys);  // "1,2"
// 16 hexadecimal digits by which the same keys are known to be the same, and nothing is known of them.
std::string digest_of(const NodeKeys& keys);

// seed = BLAKE2b-128(master, "LT1 seed\0" || tid)
Seed derive_seed(const Key& master, const TicketId& tid);
std::string srt_passphrase(const Seed& seed, const Ticket& ticket);  // 32 characters
std::string rtmp_user(const TicketId& tid);                          // base32, 26 characters
std::string rtmp_password(const Seed& seed);                         // base32, 26 characters

// Ed25519, strict: non-canonical S and small-order keys are refused (libsodium 1.0.18 and newer; tested).
bool signature_fits(const Ticket& ticket, const Key& issuer_public);

class SeenTokens;

// Thread-safe.
class Verifier {
 public:
  static constexpr size_t kRemembered = 32'768;  // Ws whose signature was right; the latest ones

  explicit Verifier(NodeKeys keys, size_t remembered = kRemembered);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // Steps 1 to 6 of the order in docs/tickets.md: form, kid, event, station (where the carrier names one),
  // revocation, time, signature. `now` is the server's clock, Unix seconds. On refusal Error.code is a
  // Refusal and Error.message is short English for the publisher's screen: "EXPIRED: this ticket ended
  // 2026-09-16 06:00 UTC …". A signature that was right is remembered: the same W again costs a look-up, and
  // who comes back in a storm is not made to wait for Ed25519.
  Result<Ticket> verify(std::string_view wire_base64url, int64_t now,
                        std::optional<uint32_t> station = std::nullopt) const;

  // The RTMP passwords that fit this user name, one for each master key (a kid is not known before W is
  // seen): at most 256, usually one. Empty when `user` is not 26 characters of base32.
  std::map<uint8_t, std::string> passwords_of_user(std::string_view user) const;

  std::optional<Seed> seed_of(const Ticket& ticket) const;  // none: no master key for its kid

  // Step 8. `ticket` has been verified. Nothing: this node has not been told under which names publishers
  // know it, so that the signature cannot be judged, and the device counts as none. Error.code kUnauthorized.
  Result<std::optional<Device>> verify_device(const Ticket& ticket, const DeviceProof& proof) const;

  // Before others ask: HOST:PORT of this node's ports as tickets name them, which devices sign.
  Result<void> set_endpoints(const std::vector<std::string>& endpoints);

  // Instead of those before: a ticket of a kid that is there no more, or whose key is another, is refused
  // from now on, also one that was right before. Another event's are an error, and change nothing.
  Result<void> set_keys(NodeKeys keys);
  // Replaces the set of revoked ids.
  void set_revoked(std::set<TicketId> revoked);
  bool is_revoked(const TicketId& tid) const;
  uint32_t event() const { return event_; }

 private:
  // Keys, and what was found right with them: who has begun with some goes on with these.
  struct Held;
  std::shared_ptr<const Held> held() const { return *held_.lock(); }

  const uint32_t event_;
  const size_t remembered_;
  mutable Guarded<std::shared_ptr<const Held>> held_;
  std::vector<EndpointHash> endpoints_;
  mutable Guarded<std::shared_ptr<const std::set<TicketId>>> revoked_;
};

}  // namespace headgate::ticket
