// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <ingest/proxy_header.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

namespace headgate::ingest {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kLineFront = "PROXY ";
constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kUnknown = "UNKNOWN";
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedSize = 16;  // of version 2: signature, version and command, family, length
constexpr unsigned kVersion2 = 2, kLocal = 0, kProxy = 1;
constexpr unsigned kUnspec = 0, kInet = 1, kInet6 = 2, kUnix = 3;  // families
constexpr unsigned kStream = 1, kDgram = 2;                        // protocols
constexpr size_t kInetSize = 12, kInet6Size = 36, kUnixSize = 216;
constexpr uint8_t kCrc32cType = 0x03;
constexpr size_t kCrc32cSize = 4;

sockaddr_storage storage_of(int family, Bytes address, uint16_t port) {
  sockaddr_storage out{};
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.data(), sizeof in.sin_addr);
    std::memcpy(&out, &in, sizeof in);
  } else {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    std::memcpy(&in6.sin6_addr, address.data(), sizeof in6.sin6_addr);
    std::memcpy(&out, &in6, sizeof in6);
  }
  return out;
}

// CRC-32C, RFC 4960 appendix B; a header's few bytes need no table.
uint32_t crc32c(Bytes data) {
  constexpr uint32_t kReflectedPolynomial = 0x82f63b78;
  uint32_t crc = ~uint32_t{0};
  for (std::byte byte : data) {
    crc ^= std::to_integer<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kReflectedPolynomial : 0);
  }
  return ~crc;
}

// --- version 1 ---

std::optional<uint16_t> port_of(std::string_view text) {
  uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return port;
}

Parsed parse_addresses(std::string_view line, size_t size) {
  const Unexpected wrong("PROXY line: not two addresses and two ports of TCP4 or TCP6");
  std::array<std::string, 5> words;  // protocol, source, destination, their ports
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t space = line.find(' ');
    if ((space == line.npos) != (i + 1 == words.size())) return wrong;
    words[i] = line.substr(0, space);
    line.remove_prefix(space == line.npos ? line.size() : space + 1);
  }
  const int family = words[0] == "TCP4" ? AF_INET : words[0] == "TCP6" ? AF_INET6 : AF_UNSPEC;
  const auto source_port = port_of(words[3]), destination_port = port_of(words[4]);
  std::array<std::byte, sizeof(in6_addr)> source{}, destination{};
  if (family == AF_UNSPEC || !source_port || !destination_port) return wrong;
  if (::inet_pton(family, words[1].c_str(), source.data()) != 1) return wrong;
  if (::inet_pton(family, words[2].c_str(), destination.data()) != 1) return wrong;
  return std::optional(ProxyHeader{size, storage_of(family, source, *source_port)});
}

Parsed parse_line(std::string_view text) {
  const size_t end = text.substr(0, kMaxProxyLine).find(kLineEnd);
  if (end == text.npos) {
    if (text.size() >= kMaxProxyLine) return Unexpected("PROXY line: does not end within 107 bytes");
    return std::optional<ProxyHeader>();
  }
  const size_t size = end + kLineEnd.size();
  const std::string_view line = text.substr(kLineFront.size(), end - kLineFront.size());
  if (line == kUnknown || line.starts_with("UNKNOWN ")) return std::optional(ProxyHeader{size, std::nullopt});
  return parse_addresses(line, size);
}

// --- version 2 ---

Result<void> check_tlvs(Bytes header, size_t at) {
  ByteReader reader(header.subspan(at));
  while (reader.remaining() > 0) {
    const uint8_t type = reader.u8();
    const Bytes value = reader.bytes(reader.u16());
    if (!reader.ok()) return Unexpected("PROXY header: a TLV is cut short");
    if (type != kCrc32cType) continue;
    if (value.size() != kCrc32cSize) return Unexpected("PROXY header: a CRC32c of a wrong size");
    ByteVector zeroed(header.begin(), header.end());
    std::fill_n(zeroed.begin() + (value.data() - header.data()), kCrc32cSize, std::byte{0});
    if (ByteReader(value).u32() != crc32c(zeroed))
      return Unexpected("PROXY header: its CRC32c does not fit it");
  }
  return {};
}

Parsed parse_binary(Bytes data) {
  if (data.size() < kFixedSize) return std::optional<ProxyHeader>();
  ByteReader reader(data.subspan(kSignature.size()));
  const unsigned version_command = reader.u8(), family_protocol = reader.u8();
  const size_t size = kFixedSize + reader.u16();
  const unsigned command = version_command & 15, family = family_protocol >> 4,
                 protocol = family_protocol & 15;
  if (version_command >> 4 != kVersion2) return Unexpected("PROXY header: not of version 2");
  if (command != kLocal && command != kProxy) return Unexpected("PROXY header: unknown command");
  if (family > kUnix || protocol > kDgram) return Unexpected("PROXY header: unknown family or protocol");
  if (size > kMaxProxyHeader)
    return Unexpected("PROXY header: longer than " + std::to_string(kMaxProxyHeader) + " bytes");
  if (data.size() < size) return std::optional<ProxyHeader>();

  ProxyHeader out{size, std::nullopt, command == kLocal};
  // What these say of addresses is to be ignored, and TLVs could not be told from it.
  if (command == kLocal || family == kUnspec || protocol == 0) return std::optional(out);
  const size_t addresses = family == kInet ? kInetSize : family == kInet6 ? kInet6Size : kUnixSize;
  if (size < kFixedSize + addresses) return Unexpected("PROXY header: too short for its addresses");
  if (auto good = check_tlvs(data.first(size), kFixedSize + addresses); !good)
    return Unexpected(good.error());
  if (family == kUnix || protocol != kStream) return std::optional(out);
  const size_t address_size = family == kInet ? sizeof(in_addr) : sizeof(in6_addr);
  ByteReader block(data.subspan(kFixedSize, addresses));
  const Bytes source = block.bytes(address_size);
  block.skip(address_size);
  out.client = storage_of(family == kInet ? AF_INET : AF_INET6, source, block.u16());
  return std::optional(out);
}

}  // namespace

Parsed parse_proxy_header(Bytes data) {
  const std::string_view text = as_text(data);
  const auto begins_as = [&](std::string_view front) {
    const size_t size = std::min(front.size(), text.size());
    return text.substr(0, size) == front.substr(0, size);
  };
  if (begins_as(kSignature)) return parse_binary(data);
  if (begins_as(kLineFront)) return parse_line(text);
  return Unexpected("no PROXY header");
}

}  // namespace headgate::ingest
