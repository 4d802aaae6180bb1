// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/qr_ticket.h>

#include <algorithm>

#include <base/encoding.h>
#include <ticket/secret.h>

#include "qr_format.h"

namespace headgate::ticket {
namespace {

constexpr uint8_t kVersion = 1;
constexpr std::string_view kTextPrefix = "LT1.";
constexpr std::string_view kUrlPrefix = "HTTPS://";

Unexpected malformed(const std::string& what) {
  return Unexpected(kBadRequest, "MALFORMED: " + what);
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

Nonce seal_nonce(Bytes head) {
  Nonce nonce{};  // its last byte is the zero after "LT1"
  auto end = std::ranges::copy(head.subspan(4, 16), nonce.begin()).out;
  end = std::ranges::copy(head.first(4), end).out;
  std::ranges::copy(as_bytes("LT1"), end);
  return nonce;
}

std::array<std::byte, 16> hash_hints(const Seed& seed, Bytes hints) {
  std::array<std::byte, 16> hash;
  blake2b(hash, {}, {domain(kHintsDomain), seed, hints});
  return hash;
}

Result<QrHead> read_qr_head(Bytes blob) {
  QrHead head;
  ByteReader reader(blob);
  uint8_t version = reader.u8();
  head.kid = reader.u8();
  uint8_t seal = reader.u8();
  head.fleet = reader.u8();
  Bytes tid = reader.bytes(head.tid.size());
  if (!reader.ok()) return malformed("the code is cut off. Scan it again.");
  std::ranges::copy(tid, head.tid.begin());
  if (version != kVersion)
    return malformed("ticket version " + std::to_string(version) + " is not known here, only 1.");
  if (seal > static_cast<uint8_t>(Seal::kFleet))
    return malformed("seal mode " + std::to_string(seal) + " is not known here, only 0 and 1.");
  head.seal = static_cast<Seal>(seal);
  if (head.seal == Seal::kNone && head.fleet != 0)
    return malformed("an open code names a fleet key. Ask for a new ticket.");
  return head;
}

Result<QrTicket> open_qr(Bytes blob, const FleetKeys& fleet_keys) {
  auto head = read_qr_head(blob);
  if (!head) return Unexpected(head.error());
  Bytes head_bytes = blob.first(kHeadSize);
  Bytes body = blob.subspan(kHeadSize);
  ByteVector opened;
  if (head->seal == Seal::kFleet) {
    auto key = fleet_keys.find(head->fleet);
    if (key == fleet_keys.end())
      return Unexpected(kBadRequest, "SEALED: fleet key " + std::to_string(head->fleet) +
                                         " is needed to read this code. Use the event's app or key folder.");
    auto plain = open_sealed(key->second, seal_nonce(head_bytes), head_bytes, body);
    if (!plain)
      return malformed("the seal does not open with fleet key " + std::to_string(head->fleet) +
                       ": altered, or another event's. Scan it again.");
    opened = std::move(*plain);
    body = opened;
  }
  if (body.size() < kMinBodySize) return malformed("the code is cut off. Scan it again.");

  ByteVector wire(head_bytes.begin(), head_bytes.begin() + kTidOffsetInWire);
  wire.insert(wire.end(), head->tid.begin(), head->tid.end());
  wire.insert(wire.end(), body.begin(), body.begin() + kBodyWireSize);
  auto ticket = parse_wire(Bytes(wire));
  if (!ticket) return Unexpected(ticket.error());

  QrTicket result;
  result.ticket = *ticket;
  std::ranges::copy(body.subspan(kBodyWireSize, result.seed.size()), result.seed.begin());
  Bytes hints = body.subspan(kMinBodySize);
  if (!same_secret(hash_hints(result.seed, hints), ticket->hints_hash))
    return malformed(
        "the code's secret or addresses were altered. Scan it again; if that does not help, report it.");
  auto decoded = decode_hints(hints);
  if (!decoded) return Unexpected(decoded.error());
  result.hints = std::move(*decoded);
  wipe(opened);
  return result;
}

std::string qr_text(std::string_view host, Bytes blob) {
  std::string text(kUrlPrefix);
  std::ranges::transform(host, std::back_inserter(text), upper);
  text += "/#";
  text += kTextPrefix;
  text += to_base32(blob);
  return text;
}

Result<ByteVector> parse_qr_text(std::string_view text) {
  if (text.size() > kMaxQrTextSize) return malformed("no ticket is that long.");
  std::string compact;
  for (char c : text)
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n') compact += upper(c);
  std::string_view rest = compact;
  if (rest.starts_with(kUrlPrefix)) {
    size_t hash = rest.find('#');
    if (hash == rest.npos) return malformed("the code has no '#' before the ticket. Scan it again.");
    rest.remove_prefix(hash + 1);
  }
  if (!rest.starts_with(kTextPrefix)) return malformed("not a ticket: 'LT1.' is missing.");
  auto blob = from_base32(rest.substr(kTextPrefix.size()));
  if (!blob) return malformed("the code has a wrong character or is cut off. Scan it again.");
  return blob;
}

}  // namespace headgate::ticket
