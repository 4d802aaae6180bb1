// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/hints.h>

#include <algorithm>

namespace headgate::ticket {
namespace {

enum Type : uint8_t { kEndpoints = 1, kLabel = 2, kFallback = 3, kPin = 4 };
constexpr size_t kMaxValueSize = 255;  // a TLV's length is one byte

Unexpected bad(const std::string& what) {
  return Unexpected(kBadRequest, "MALFORMED: hints: " + what);
}

bool is_host(std::string_view host) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':';
  };
  return !host.empty() && host.size() <= kMaxHostSize && std::ranges::all_of(host, fits) &&
         host.front() != '.' && host.back() != '.';
}

// Length of the UTF-8 sequence at the start of `text`, 0 when it is broken or a control character (RFC 3629;
// C0, DEL and C1 would reach a terminal).
size_t printable_utf8(std::string_view text) {
  auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned first = at(0);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  size_t length = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  uint32_t value = first & (0x7fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (at(i) >> 6 != 2) return 0;
    value = value << 6 | (at(i) & 0x3f);
  }
  constexpr uint32_t kLeast[] = {0, 0, 0xa0, 0x800, 0x10000};
  return value >= kLeast[length] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff) ? length : 0;
}

Result<void> check_label(std::string_view label) {
  if (label.size() > kMaxLabelSize)
    return bad("the station's name has " + std::to_string(label.size()) + " bytes, at most " +
               std::to_string(kMaxLabelSize) + " fit");
  while (!label.empty()) {
    size_t length = printable_utf8(label);
    if (length == 0) return bad("the station's name is not UTF-8 or has control characters");
    label.remove_prefix(length);
  }
  return {};
}

// host = label.domain, so that endpoints of one domain share it. Addresses and single names are all label.
struct SplitHost {
  std::string_view label, domain;
};
SplitHost split_host(std::string_view host) {
  bool address = host.find_first_not_of("0123456789.") == host.npos || host.find(':') != host.npos;
  size_t dot = host.find('.');
  if (address || dot == host.npos) return {host, {}};
  return {host.substr(0, dot), host.substr(dot + 1)};
}

void put_tlv(ByteVector& out, Type type, Bytes value) {
  ByteWriter writer(out);
  writer.u8(type);
  writer.u8(value.size());
  writer.bytes(value);
}

// One TLV for each row of neighbours in one domain.
Result<void> put_endpoints(ByteVector& out, const std::vector<Endpoint>& endpoints) {
  ByteVector value;
  std::string_view open_domain;
  auto flush = [&] {
    if (!value.empty()) put_tlv(out, kEndpoints, value);
    value.clear();
  };
  for (const Endpoint& endpoint : endpoints) {
    if (!is_host(endpoint.host)) return bad("'" + endpoint.host.substr(0, 60) + "' is not a host");
    if (endpoint.port == 0) return bad("port 0 of " + endpoint.host.substr(0, 60));
    auto [label, domain] = split_host(endpoint.host);
    size_t entry = 1 + 2 + 1 + label.size();
    if (1 + domain.size() + entry > kMaxValueSize) return bad("a host's name is too long for a QR code");
    if (value.empty() || domain != open_domain || value.size() + entry > kMaxValueSize) {
      flush();
      ByteWriter(value).u8(domain.size());
      ByteWriter(value).text(domain);
      open_domain = domain;
    }
    ByteWriter writer(value);
    writer.u8(static_cast<uint8_t>(endpoint.protocol));
    writer.u16(endpoint.port);
    writer.u8(label.size());
    writer.text(label);
  }
  flush();
  return {};
}

Result<void> take_endpoints(Bytes value, std::vector<Endpoint>& endpoints) {
  ByteReader reader(value);
  std::string_view domain = as_text(reader.bytes(reader.u8()));
  while (reader.remaining() > 0) {
    uint8_t protocol = reader.u8();
    uint16_t port = reader.u16();
    std::string host(as_text(reader.bytes(reader.u8())));
    if (!reader.ok()) break;
    if (!host.empty() && !domain.empty()) host += '.';
    host += domain;
    if (!is_host(host) || port == 0) return bad("an endpoint has no host or port");
    if (protocol >= static_cast<uint8_t>(Protocol::kSrt) && protocol <= static_cast<uint8_t>(Protocol::kWhip))
      endpoints.push_back({static_cast<Protocol>(protocol), std::move(host), port});
  }
  if (!reader.ok()) return bad("the endpoints are cut off");
  return {};
}

Result<void> take_fallback(Bytes value, Hints& hints) {
  Fallback fallback;
  ByteReader reader(value);
  std::ranges::copy(reader.bytes(fallback.ipv4.size()), fallback.ipv4.begin());
  fallback.port = reader.u16();
  if (!reader.ok() || reader.remaining() > 0 || fallback.port == 0)
    return bad("a fallback address of a wrong form");
  hints.fallbacks.push_back(fallback);
  return {};
}

Result<void> take_tlv(uint8_t type, Bytes value, Hints& hints) {
  switch (type) {
    case kEndpoints:
      return take_endpoints(value, hints.endpoints);
    case kLabel:
      if (!hints.label.empty()) return bad("two names");
      hints.label = as_text(value);
      return check_label(hints.label);
    case kFallback:
      return take_fallback(value, hints);
    case kPin:
      if (hints.pin || value.size() != 32) return bad("a key pin of a wrong form");
      std::ranges::copy(value, hints.pin.emplace().begin());
      return {};
    default:
      return {};
  }
}

}  // namespace

Result<ByteVector> encode_hints(const Hints& hints) {
  ByteVector out;
  if (auto done = put_endpoints(out, hints.endpoints); !done) return Unexpected(done.error());
  if (auto good = check_label(hints.label); !good) return Unexpected(good.error());
  if (!hints.label.empty()) put_tlv(out, kLabel, as_bytes(hints.label));
  for (const Fallback& fallback : hints.fallbacks) {
    if (fallback.port == 0) return bad("port 0 of a fallback address");
    ByteVector value(fallback.ipv4.begin(), fallback.ipv4.end());
    ByteWriter(value).u16(fallback.port);
    put_tlv(out, kFallback, value);
  }
  if (hints.pin) put_tlv(out, kPin, *hints.pin);
  return out;
}

Result<Hints> decode_hints(Bytes tlvs) {
  Hints hints;
  ByteReader reader(tlvs);
  while (reader.remaining() > 0) {
    uint8_t type = reader.u8();
    Bytes value = reader.bytes(reader.u8());
    if (!reader.ok()) return bad("cut off");
    if (auto taken = take_tlv(type, value, hints); !taken) return Unexpected(taken.error());
  }
  return hints;
}

}  // namespace headgate::ticket
