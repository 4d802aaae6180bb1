// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything of a ticket that a stranger writes: W as text, QR text, the blob inside, its hints.
#include <cstdint>

#include <ticket/ticket.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  headgate::Bytes bytes = std::as_bytes(std::span(data, size));
  (void)headgate::ticket::parse_wire(headgate::as_text(bytes));
  return 0;
}
