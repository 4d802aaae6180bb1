// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/issuer.h>

#include <algorithm>
#include <limits>

#include <ticket/verifier.h>

#include "qr_format.h"

namespace headgate::ticket {
namespace {

Unexpected refuse(std::string why) {
  return Unexpected(kBadRequest, std::move(why));
}

Result<void> check_times(const IssueRequest& request) {
  constexpr int64_t kLast = std::numeric_limits<uint32_t>::max();
  if (request.not_before < 0 || request.not_before > kLast || request.expires < 0 || request.expires > kLast)
    return refuse("a ticket's times lie between 1970 and 2106");
  if (request.expires <= request.not_before) return refuse("the ticket would end before it starts");
  return {};
}

std::array<std::byte, kWireSize> unsigned_wire(const IssuerKeys& keys, const IssueRequest& request,
                                               const std::array<std::byte, 16>& hints_hash) {
  ByteVector fields;
  ByteWriter writer(fields);
  writer.u8(1);
  writer.u8(keys.kid);
  writer.bytes(request.tid);
  writer.u32(keys.event);
  writer.u32(request.station);
  writer.u32(static_cast<uint32_t>(request.not_before));
  writer.u32(static_cast<uint32_t>(request.expires));
  writer.u16(request.flags);
  writer.u16(request.max_kbps);
  writer.u16(request.codecs);
  writer.bytes(hints_hash);
  std::array<std::byte, kWireSize> wire{};
  std::ranges::copy(fields, wire.begin());
  return wire;
}

}  // namespace

TicketId new_ticket_id() {
  TicketId tid;
  random_bytes(tid);
  return tid;
}

Issuer::Issuer(IssuerKeys keys) : keys_(keys) {
  require_sodium();
}

Issuer::~Issuer() {
  wipe(keys_.issuer);
  wipe(keys_.master);
  if (keys_.fleet) wipe(keys_.fleet->key);
}

Result<Issued> Issuer::issue(const IssueRequest& request) {
  if (auto good = check_times(request); !good) return Unexpected(good.error());
  auto hints = encode_hints(request.hints);
  if (!hints) return Unexpected(hints.error());

  Issued issued;
  issued.seed = derive_seed(keys_.master, request.tid);
  auto wire = unsigned_wire(keys_, request, hash_hints(issued.seed, *hints));
  sign_wire(wire, keys_.issuer);
  auto ticket = parse_wire(Bytes(wire));  // refuses reserved bits
  if (!ticket) return Unexpected(ticket.error());
  issued.ticket = *ticket;

  auto blob = make_blob(issued, *hints, request.seal);
  if (!blob) return Unexpected(blob.error());
  issued.blob = std::move(*blob);

  std::array<std::byte, 32> hash;
  blake2b(hash, {}, {wire, *hints});
  auto [known, fresh] = issued_.try_emplace(request.tid, hash);
  if (!fresh && known->second != hash)
    return refuse("this ticket id was issued before with other contents; every ticket needs a new id");
  return issued;
}

Result<ByteVector> Issuer::make_blob(const Issued& issued, Bytes hints, Seal seal_mode) const {
  if (seal_mode == Seal::kFleet && !keys_.fleet) return refuse("sealing needs a fleet key");
  Bytes wire = issued.ticket.wire;
  ByteVector blob;
  ByteWriter head(blob);
  head.bytes(wire.first(kTidOffsetInWire));
  head.u8(static_cast<uint8_t>(seal_mode));
  head.u8(seal_mode == Seal::kFleet ? keys_.fleet->id : 0);
  head.bytes(issued.ticket.tid);

  ByteVector body;
  ByteWriter writer(body);
  writer.bytes(wire.subspan(kWireAfterTid));
  writer.bytes(issued.seed);
  writer.bytes(hints);
  if (seal_mode == Seal::kFleet) body = seal(keys_.fleet->key, seal_nonce(blob), blob, body);
  head.bytes(body);
  if (blob.size() > kMaxBlobSize)
    return refuse("the QR code would hold " + std::to_string(blob.size()) + " bytes, at most " +
                  std::to_string(kMaxBlobSize) +
                  " stay readable on paper: shorten the name or the endpoints");
  return blob;
}

}  // namespace headgate::ticket
