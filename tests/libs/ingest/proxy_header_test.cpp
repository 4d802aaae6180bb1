// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <ingest/peer.h>
#include <ingest/proxy_header.h>

#include <string>

namespace headgate::ingest {
namespace {

using namespace std::string_literals;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number16(size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string binary(int version_command, int family_protocol, const std::string& rest) {
  return kSignature + static_cast<char>(version_command) + static_cast<char>(family_protocol) +
         number16(rest.size()) + rest;
}

std::string tlv(int type, const std::string& value) {
  return static_cast<char>(type) + number16(value.size()) + value;
}

// 192.0.2.7:40123 to 198.51.100.9:443
const std::string kInet = "\xc0\0\2\7\xc6\x33\x64\x09\x9c\xbb\1\xbb"s;

// "client size", "- size", "more", or the error.
std::string parsed(const std::string& data) {
  auto header = parse_proxy_header(as_bytes(data));
  if (!header) return header.error().message;
  if (!*header) return "more";
  return ((*header)->client ? make_peer(*(*header)->client).text : "-") + " " +
         std::to_string((*header)->size);
}

// The same with every shorter beginning asking for more, and with what follows it left alone.
std::string complete(const std::string& header) {
  for (size_t size = 0; size < header.size(); ++size)
    EXPECT_EQ(parsed(header.substr(0, size)), "more") << size;
  EXPECT_EQ(parsed(header + "\3 what follows"), parsed(header));
  EXPECT_TRUE(parsed(header).ends_with(" " + std::to_string(header.size())));
  return parsed(header).substr(0, parsed(header).rfind(' '));
}

TEST(ProxyLine, OfTheSpecification) {
  EXPECT_EQ(complete("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n"), "192.168.0.1:56324");
  EXPECT_EQ(complete("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535");
  EXPECT_EQ(
      complete("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "65535 65535\r\n"),
      "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
  EXPECT_EQ(complete("PROXY TCP6 2001:DB8::7 ::1 0 0\r\n"), "[2001:db8::7]:0");
  EXPECT_EQ(complete("PROXY UNKNOWN\r\n"), "-");
  EXPECT_EQ(
      complete(
          "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
          "65535 65535\r\n"),
      "-");
  EXPECT_EQ(complete("PROXY UNKNOWN \xff whatever\n\r it is \r\n"), "-");
}

TEST(ProxyLine, NotAsSpecified) {
  for (const char* line : {"TCP4 192.0.2.1 192.0.2.2 1",
                           "TCP4 192.0.2.1 192.0.2.2 1 2 3",
                           "TCP4  192.0.2.1 192.0.2.2 1 2",
                           "TCP4 192.0.2.1 192.0.2.2 1 2 ",
                           "TCP4 192.0.2.01 192.0.2.2 1 2",
                           "TCP4 192.0.2 192.0.2.2 1 2",
                           "TCP4 192.0.2.256 192.0.2.2 1 2",
                           "TCP4 192.0.2.1 ::1 1 2",
                           "TCP4 ::1 ::1 1 2",
                           "TCP6 192.0.2.1 ::1 1 2",
                           "TCP6 1::2::3 ::1 1 2",
                           "TCP4 192.0.2.1 192.0.2.2 01 2",
                           "TCP4 192.0.2.1 192.0.2.2 1 65536",
                           "TCP4 192.0.2.1 192.0.2.2 -1 2",
                           "TCP4 192.0.2.1 192.0.2.2 1 2x",
                           "UDP4 192.0.2.1 192.0.2.2 1 2",
                           "tcp4 192.0.2.1 192.0.2.2 1 2",
                           "UNKNOWNS",
                           "",
                           "TCP4"})
    EXPECT_EQ(parsed("PROXY " + std::string(line) + "\r\n"),
              "PROXY line: not two addresses and two ports of TCP4 or TCP6")
        << line;
  // One of CR and LF does not end the line, nor does anything after 107 bytes.
  EXPECT_EQ(parsed("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n\3..."), "more");
  const std::string longest = "PROXY UNKNOWN " + std::string(kMaxProxyLine - 16, 'x') + "\r\n";
  EXPECT_EQ(parsed(longest), "- 107");
  EXPECT_EQ(parsed("PROXY UNKNOWN " + std::string(kMaxProxyLine - 15, 'x') + "\r\n"),
            "PROXY line: does not end within 107 bytes");
  EXPECT_EQ(parsed(longest.substr(0, 105) + "xx"), "PROXY line: does not end within 107 bytes");
}

TEST(ProxyHeader, Addresses) {
  EXPECT_EQ(complete(binary(0x21, 0x11, kInet)), "192.0.2.7:40123");
  const std::string inet6 = "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"s +
                            "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"s + "\x9c\xbb\1\xbb"s;
  EXPECT_EQ(complete(binary(0x21, 0x21, inet6)), "[2001:db8::7]:40123");
  EXPECT_EQ(complete(binary(0x21, 0x12, kInet)), "-") << "UDP is none of ours";
  EXPECT_EQ(complete(binary(0x21, 0x31, std::string(216, '/'))), "-");
  EXPECT_EQ(complete(binary(0x21, 0x00, "")), "-");
  EXPECT_EQ(complete(binary(0x21, 0x01, "anything")), "-");
  EXPECT_EQ(complete(binary(0x21, 0x10, "")), "-");
  EXPECT_EQ(complete(binary(0x20, 0x00, "")), "-");
  EXPECT_EQ(complete(binary(0x20, 0x11, kInet)), "-") << "LOCAL: the connection is the proxy's";
  EXPECT_EQ(complete(binary(0x20, 0x11, "xyz")), "-") << "and its block is skipped unseen";
}

TEST(ProxyHeader, Tlvs) {
  EXPECT_EQ(
      complete(binary(0x21, 0x11, kInet + tlv(0x02, "node.example") + tlv(0x04, "") + tlv(0xea, "\0\1"s))),
      "192.0.2.7:40123");
  EXPECT_EQ(parsed(binary(0x21, 0x11, kInet + "\4\0"s)), "PROXY header: a TLV is cut short");
  EXPECT_EQ(parsed(binary(0x21, 0x11, kInet + "\4\0\2x"s)), "PROXY header: a TLV is cut short");
  EXPECT_EQ(parsed(binary(0x21, 0x11, kInet + tlv(3, "\0\0\0"s))), "PROXY header: a CRC32c of a wrong size");
}

// The checksum was computed bit by bit from the unreflected polynomial, which gives 0xE3069283 for
// "123456789".
TEST(ProxyHeader, Crc32c) {
  const std::string zero = "\0\0\0\0"s;
  EXPECT_EQ(parsed(binary(0x21, 0x11, kInet + tlv(3, zero))), "PROXY header: its CRC32c does not fit it");
  std::string good = binary(0x21, 0x11, kInet + tlv(4, "pad") + tlv(3, "\x27\x88\xc6\x21"s));
  EXPECT_EQ(complete(good), "192.0.2.7:40123");
  for (size_t at = 16; at < good.size(); ++at) {
    if (at == 34) continue;  // the type of the checksum itself: then there is none
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    EXPECT_TRUE(parsed(flipped).starts_with("PROXY header: ")) << at << ": " << parsed(flipped);
  }
}

TEST(ProxyHeader, NotAsSpecified) {
  EXPECT_EQ(parsed(binary(0x11, 0x11, kInet)), "PROXY header: not of version 2");
  EXPECT_EQ(parsed(binary(0x31, 0x11, kInet)), "PROXY header: not of version 2");
  EXPECT_EQ(parsed(binary(0x22, 0x11, kInet)), "PROXY header: unknown command");
  EXPECT_EQ(parsed(binary(0x21, 0x41, kInet)), "PROXY header: unknown family or protocol");
  EXPECT_EQ(parsed(binary(0x21, 0x13, kInet)), "PROXY header: unknown family or protocol");
  EXPECT_EQ(parsed(binary(0x21, 0x11, kInet.substr(1))), "PROXY header: too short for its addresses");
  EXPECT_EQ(parsed(binary(0x21, 0x21, kInet)), "PROXY header: too short for its addresses");
  EXPECT_EQ(parsed(binary(0x21, 0x31, std::string(215, '/'))), "PROXY header: too short for its addresses");
  const size_t most = kMaxProxyHeader - 16;
  EXPECT_EQ(parsed(binary(0x20, 0, std::string(most, 'x'))), "- 4096");
  // Refused before it has come.
  EXPECT_EQ(parsed(binary(0x20, 0, std::string(most + 1, 'x')).substr(0, 16)),
            "PROXY header: longer than 4096 bytes");
}

TEST(ProxyHeader, SomethingElse) {
  for (const char* data : {"\3", "GET / HTTP/1.1\r\n", "PROXX", "proxy TCP4 ", "\r\n\r\nQUIT", "\x16\3\1"})
    EXPECT_EQ(parsed(data), "no PROXY header") << data;
}

}  // namespace
}  // namespace headgate::ingest
