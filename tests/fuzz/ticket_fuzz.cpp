// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything of a ticket that a stranger writes: W as text, QR text, the blob inside, its hints. What is
// accepted must come back the same when written again.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <base/encoding.h>
#include <ticket/hints.h>
#include <ticket/qr_ticket.h>
#include <ticket/ticket.h>
#include <ticket/verifier.h>

namespace {

using namespace headgate;
using namespace headgate::ticket;

void require(bool truth) {
  if (!truth) std::abort();
}

void try_wire(Bytes bytes) {
  static const Verifier verifier({.event = 77, .issuers = {{1, Key{}}}, .masters = {{1, Key{}}}});
  if (auto ticket = parse_wire(as_text(bytes))) require(ticket->wire_text() == as_text(bytes));
  if (auto ticket = parse_wire(bytes)) require(std::ranges::equal(ticket->wire, bytes));
  // The issuer's key is not a valid one: nothing may be let in.
  auto verified = verifier.verify(as_text(bytes), 1789400000);
  require(!verified && verified.error().code >= kBadRequest && verified.error().message.size() < 200);
  for (const auto& [kid, password] : verifier.passwords_of_user(as_text(bytes)))
    require(password.size() == 26);
}

void try_hints(Bytes bytes) {
  auto hints = decode_hints(bytes);
  if (!hints) return;
  // A name may fit together with its domain and not by itself, so writing may fail; reading back may not.
  auto written = encode_hints(*hints);
  if (!written) return;
  auto again = decode_hints(*written);
  require(again && *again == *hints);
}

void try_blob(Bytes bytes) {
  static const FleetKeys keys = {{9, Key{}}};
  auto head = read_qr_head(bytes);
  auto opened = open_qr(bytes, keys);
  if (!opened) return;
  require(head && head->tid == opened->ticket.tid && head->kid == opened->ticket.kid);
  auto text = parse_qr_text(qr_text("t.example", bytes));
  require(text ? std::ranges::equal(*text, bytes) : bytes.size() > kMaxQrTextSize / 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes = std::as_bytes(std::span(data, size));
  try_wire(bytes);
  try_hints(bytes);
  try_blob(bytes);
  if (auto blob = parse_qr_text(as_text(bytes))) {
    require(from_base32(to_base32(*blob)).has_value());
    try_blob(*blob);
  }
  return 0;
}
