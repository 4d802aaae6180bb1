// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/stream_id.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace headgate::ticket {
namespace {

constexpr std::string_view kKeyedFront = "#!::";
constexpr std::string_view kPublish = "publish";
constexpr std::string_view kStandardKeys = "hmrstu";  // one letter each
constexpr std::string_view kDeviceKey = "lts_d", kDeviceProof = "lts_p";
constexpr size_t kQuotedSize = 24;  // of a stranger's text in a message

Unexpected bad(const std::string& what) {
  return Unexpected(kBadRequest, "MALFORMED: stream id: " + what + ".");
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text.substr(0, kQuotedSize)) + (text.size() > kQuotedSize ? "...'" : "'");
}

Unexpected bad_mode() {
  return Unexpected(kBadMode, "BAD-MODE: this port takes publishers only: the stream id needs m=publish.");
}

std::string_view cut_front(std::string_view& rest, char separator) {
  size_t end = std::min(rest.find(separator), rest.size());
  std::string_view front = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return front;
}

// A number, or a path that ends with one: clients put an application's name before it.
Result<uint32_t> station_of(std::string_view text) {
  std::string_view number = text.substr(text.rfind('/') + 1);  // npos + 1 is the beginning
  uint32_t station = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), station);
  if (error != std::errc() || end != number.data() + number.size())
    return bad("the station is a number, not " + quoted(text));
  return station;
}

Result<void> set_wire(StreamId& out, std::string_view user) {
  if (user.find('.') != std::string_view::npos)
    return bad("the secret does not belong in it, only what stands before the dot");
  if (user.find('%') != std::string_view::npos)
    return bad("it is percent-encoded, and this client sends it as it stands: use it decoded");
  out.wire = user;
  return {};
}

Result<void> take_device(StreamId& out, std::string_view key, std::string_view proof) {
  if (key.empty() && proof.empty()) return {};
  out.device = parse_device_proof(key, proof);
  if (!out.device) return bad("lts_d and lts_p are a device's key and proof, both of them");
  return {};
}

bool is_known(std::string_view key) {
  if (key.size() == 1) return kStandardKeys.find(key) != std::string_view::npos;
  return key == kDeviceKey || key == kDeviceProof;
}

Result<StreamId> parse_keyed(std::string_view rest) {
  StreamId out;
  std::set<std::string_view> seen;
  std::string_view mode, type = "stream", device_key, device_proof;
  while (!rest.empty()) {
    std::string_view value = cut_front(rest, ',');
    const size_t equals = value.find('=');
    if (equals == std::string_view::npos || equals == 0) return bad(quoted(value) + " is not KEY=VALUE");
    const std::string_view key = value.substr(0, equals);
    value.remove_prefix(equals + 1);
    if (value.find('=') != std::string_view::npos) return bad("two equals signs in " + quoted(key));
    if (!seen.insert(key).second) return bad(quoted(key) + " stands there twice");
    // Names with an underscore are other companies'; all others are reserved, and a slip of the finger is
    // told.
    if (!is_known(key) && key.find('_') == std::string_view::npos)
      return bad("there is no key " + quoted(key));
    if (key == "m") mode = value;
    if (key == "t") type = value;
    if (key == kDeviceKey) device_key = value;
    if (key == kDeviceProof) device_proof = value;
    if (key == "r") {
      auto station = station_of(value);
      if (!station) return Unexpected(station.error());
      out.station = *station;
    }
    if (key == "u")
      if (auto set = set_wire(out, value); !set) return Unexpected(set.error());
  }
  if (mode != kPublish) return bad_mode();
  if (type != "stream")
    return Unexpected(kUnsupportedMedia, "BAD-TYPE: this port takes streams, not t=" + quoted(type) + ".");
  if (auto taken = take_device(out, device_key, device_proof); !taken) return Unexpected(taken.error());
  return out;
}

// publish:STATION:W, and what may follow there: a password, which must not, and a query, which is not looked
// at.
Result<StreamId> parse_short(std::string_view rest) {
  if (cut_front(rest, ':') != kPublish) return bad_mode();
  StreamId out;
  auto station = station_of(cut_front(rest, ':'));
  if (!station) return Unexpected(station.error());
  out.station = *station;
  if (auto set = set_wire(out, cut_front(rest, ':')); !set) return Unexpected(set.error());
  if (!cut_front(rest, ':').empty())
    return bad("a password does not belong in it, everybody can read it: it is the passphrase's");
  return out;
}

}  // namespace

Result<StreamId> parse_stream_id(std::string_view text) {
  if (text.empty()) return bad("it is empty: it carries the ticket, #!::m=publish,r=STATION,u=TICKET");
  if (text.size() > kMaxStreamIdSize) return bad("longer than 512 characters");
  if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; }))
    return bad("a character that is not printable ASCII, or a space");
  const bool keyed = text.starts_with(kKeyedFront);
  if (!keyed && text.starts_with("#!")) return bad("of #!, only the form #!::KEY=VALUE,... is taken");
  if (!keyed && text.find(':') == std::string_view::npos)
    return bad("it has to be #!::m=publish,r=STATION,u=TICKET");
  auto out = keyed ? parse_keyed(text.substr(kKeyedFront.size())) : parse_short(text);
  if (out && out->wire.empty()) return bad("no ticket in it: u=TICKET is needed");
  return out;
}

}  // namespace headgate::ticket
