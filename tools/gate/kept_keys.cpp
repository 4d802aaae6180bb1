// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_keys.h"

#include <base/bytes.h>
#include <base/io.h>
#include <base/sha256.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace headgate::gate {
namespace {

constexpr std::string_view kMagic = "HGKEYS1\n";
// Digest, magic, event, and two maps of at most 256 keys each.
constexpr size_t kMaxBytes = sizeof(Digest) + kMagic.size() + 4 + 2 * (2 + 256 * (1 + sizeof(ticket::Key)));

void put(ByteWriter& out, const std::map<uint8_t, ticket::Key>& keys) {
  out.u16(keys.size());
  for (const auto& [kid, key] : keys) {
    out.u8(kid);
    out.bytes(std::as_bytes(std::span(key)));
  }
}

void get(ByteReader& in, std::map<uint8_t, ticket::Key>& keys) {
  for (size_t count = in.u16(); in.ok() && count > 0; --count) {
    ticket::Key& key = keys[in.u8()];
    const Bytes bytes = in.bytes(key.size());
    std::ranges::copy(bytes, std::as_writable_bytes(std::span(key)).begin());
  }
}

}  // namespace

Result<void> KeptKeys::keep(const ticket::NodeKeys& keys) const {
  if (!memory_) return {};
  ByteVector body, all;
  ByteWriter out(body);
  out.text(kMagic);
  out.u32(keys.event);
  put(out, keys.issuers);
  put(out, keys.masters);
  const Digest digest = sha256(body);
  ByteWriter whole(all);
  whole.bytes(digest);
  whole.bytes(body);
  // What is not whole is known by its digest.
  if (::ftruncate(memory_.get(), 0) != 0) return errno_error("the memory of the keys");
  const ssize_t count = ::pwrite(memory_.get(), all.data(), all.size(), 0);
  if (count != static_cast<ssize_t>(all.size())) return errno_error("the memory of the keys");
  return {};
}

Result<ticket::NodeKeys> KeptKeys::load() const {
  if (!memory_) return Unexpected("none are kept");
  ByteVector all(kMaxBytes);
  const ssize_t count = ::pread(memory_.get(), all.data(), all.size(), 0);
  if (count < 0) return errno_error("the memory of the keys");
  if (count == 0) return Unexpected("none are kept");
  all.resize(static_cast<size_t>(count));
  ByteReader in(all);
  const Bytes digest = in.bytes(sizeof(Digest));
  const Bytes body = in.rest();
  if (!in.ok() || !std::ranges::equal(digest, sha256(body)))
    return Unexpected("those that were kept are not whole");
  ByteReader fields(body);
  ticket::NodeKeys out;
  const Bytes magic = fields.bytes(kMagic.size());
  out.event = fields.u32();
  get(fields, out.issuers);
  get(fields, out.masters);
  if (!fields.ok() || fields.remaining() != 0 || !std::ranges::equal(magic, as_bytes(kMagic)))
    return Unexpected("those that were kept are another version's");
  return out;
}

}  // namespace headgate::gate
