// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/encoding.h>

#include <array>

namespace headgate {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(Bytes bytes, std::string_view alphabet, unsigned bits) {
  std::string out;
  out.reserve((bytes.size() * 8 + bits - 1) / bits);
  uint32_t pending = 0;
  unsigned have = 0;
  for (std::byte b : bytes) {
    pending = (pending << 8 | std::to_integer<uint32_t>(b)) & 0xffff;
    for (have += 8; have >= bits; have -= bits)
      out += alphabet[pending >> (have - bits) & ((1u << bits) - 1)];
  }
  if (have > 0) out += alphabet[pending << (bits - have) & ((1u << bits) - 1)];
  return out;
}

std::array<int8_t, 256> table_for(std::string_view alphabet, bool fold_case) {
  std::array<int8_t, 256> table;
  table.fill(-1);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    auto c = static_cast<unsigned char>(alphabet[i]);
    table[c] = static_cast<int8_t>(i);
    if (fold_case && c >= 'A' && c <= 'Z') table[c + 32] = static_cast<int8_t>(i);
  }
  return table;
}

Result<ByteVector> decode(std::string_view text, const std::array<int8_t, 256>& table, unsigned bits,
                          const char* name) {
  ByteVector out;
  out.reserve(text.size() * bits / 8);
  uint32_t pending = 0;
  unsigned have = 0;
  for (unsigned char c : text) {
    if (table[c] < 0) return Unexpected(std::string("not ") + name + ": unexpected character");
    pending = (pending << bits | static_cast<uint32_t>(table[c])) & 0xffff;
    have += bits;
    if (have >= 8) {
      have -= 8;
      out.push_back(static_cast<std::byte>(pending >> have));
    }
  }
  // A whole encoding leaves fewer bits than one character holds, and they are zero.
  if (have >= bits || (pending & ((1u << have) - 1)) != 0)
    return Unexpected(std::string("not ") + name + ": cut off or badly terminated");
  return out;
}

}  // namespace

std::string to_hex(Bytes bytes) {
  return encode(bytes, kHex, 4);
}
std::string to_base32(Bytes bytes) {
  return encode(bytes, kBase32, 5);
}
std::string to_base64url(Bytes bytes) {
  return encode(bytes, kBase64Url, 6);
}
std::string to_base64(Bytes bytes) {
  std::string out = encode(bytes, kBase64, 6);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

Result<ByteVector> from_hex(std::string_view text) {
  static const auto table = table_for(kHex, false);
  if (text.size() % 2 != 0) return Unexpected("not hex: odd length");
  return decode(text, table, 4, "hex");
}

Result<ByteVector> from_base32(std::string_view text) {
  static const auto table = table_for(kBase32, true);
  return decode(text, table, 5, "base32");
}

Result<ByteVector> from_base64url(std::string_view text) {
  static const auto table = table_for(kBase64Url, false);
  return decode(text, table, 6, "base64url");
}

Result<ByteVector> from_base64(std::string_view text) {
  static const auto table = table_for(kBase64, false);
  if (text.size() % 4 != 0) return Unexpected("not base64: length is not a multiple of four");
  size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  return decode(text, table, 6, "base64");
}

}  // namespace headgate
