// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/byte_stream.h>

#include <cstring>

namespace headgate::codec {
namespace {

constexpr size_t kStartCode = 3;

// Of the next 00 00 01; the end where there is none.
size_t find_start_code(Bytes bytes) {
  size_t at = 2;
  while (at < bytes.size()) {
    const void* const found = std::memchr(bytes.data() + at, 1, bytes.size() - at);
    if (!found) break;
    at = static_cast<size_t>(static_cast<const std::byte*>(found) - bytes.data());
    if (bytes[at - 1] == std::byte{0} && bytes[at - 2] == std::byte{0}) return at - 2;
    ++at;
  }
  return bytes.size();
}

Bytes behind_start_code(Bytes bytes) {
  const size_t at = find_start_code(bytes);
  return at == bytes.size() ? Bytes() : bytes.subspan(at + kStartCode);
}

}  // namespace

ByteStreamReader::ByteStreamReader(Bytes stream) : rest_(behind_start_code(stream)) {}

std::optional<Bytes> ByteStreamReader::next() {
  while (!rest_.empty()) {
    const size_t end = find_start_code(rest_);
    Bytes nal = rest_.first(end);
    rest_ = end == rest_.size() ? Bytes() : rest_.subspan(end + kStartCode);
    while (!nal.empty() && nal.back() == std::byte{0}) nal = nal.first(nal.size() - 1);
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

}  // namespace headgate::codec
