// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/encoding.h>
#include <ticket/verifier.h>

#include "crypto.h"

namespace headgate::ticket {

Seed derive_seed(const Key& master, const TicketId& tid) {
  Seed seed;
  blake2b(seed, master, {domain(kSeedDomain), tid});
  return seed;
}

std::string srt_passphrase(const Seed& seed, const Ticket& ticket) {
  std::array<std::byte, 24> hash;
  blake2b(hash, seed, {domain(kSrtDomain), Bytes(ticket.wire).first(kSignedSize)});
  return to_base64url(hash);
}

std::string rtmp_user(const TicketId& tid) {
  return to_base32(tid);
}

std::string rtmp_password(const Seed& seed) {
  return to_base32(seed);
}

}  // namespace headgate::ticket
