// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/publish_name.h>

#include <algorithm>
#include <charconv>

#include <base/encoding.h>

namespace headgate::ticket {
namespace {

Unexpected bad(const std::string& what) {
  return Unexpected(kBadRequest, "MALFORMED: " + what + ".");
}

// The values of the app's form; nothing: the key is not there. False: one stands there twice.
struct Fields {
  std::optional<std::string_view> wire, key, proof, mac;

  bool set(std::string_view name, std::string_view value) {
    for (auto [letter, field] :
         {std::pair("t", &wire), std::pair("d", &key), std::pair("p", &proof), std::pair("m", &mac)}) {
      if (name != letter) continue;
      if (*field) return false;
      *field = value;
    }
    return true;
  }
};

std::optional<Fields> fields_of(std::string_view query) {
  Fields out;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view field = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = field.find('=');
    if (equals != field.npos && !out.set(field.substr(0, equals), field.substr(equals + 1)))
      return std::nullopt;
  }
  return out;
}

Result<PublishName> parse_app(std::string_view station, const Fields& fields) {
  PublishName out;
  out.wire = *fields.wire;
  uint32_t number = 0;
  auto [end, error] = std::from_chars(station.data(), station.data() + station.size(), number);
  if (error != std::errc() || end != station.data() + station.size())
    return bad("before t= stands the station's number");
  out.station = number;
  if (!fields.key || !fields.proof || !fields.mac) return bad("beside t= belong d=, p= and m=");
  auto device = parse_device_proof(*fields.key, *fields.proof);
  auto mac = from_base64url(*fields.mac);
  AppProof app;
  if (!device || !mac || mac->size() != app.mac.size())
    return bad("d=, p= and m= are a device's key, its proof and a MAC");
  app.device = *device;
  std::ranges::copy(*mac, app.mac.begin());
  out.app = app;
  return out;
}

}  // namespace

Result<PublishName> parse_publish_name(std::string_view name) {
  const size_t question = std::min(name.find('?'), name.size());
  std::string_view front = name.substr(0, question);
  front.remove_prefix(front.rfind('/') + 1);  // npos + 1 is the beginning
  const auto fields = fields_of(name.substr(std::min(question + 1, name.size())));
  if (!fields) return bad("t=, d=, p= and m= stand there once");
  if (fields->wire) return parse_app(front, *fields);
  PublishName out;
  const size_t dot = std::min(front.find('.'), front.size());
  out.wire = front.substr(0, dot);
  if (dot < front.size()) out.secret = front.substr(dot + 1);
  return out;
}

}  // namespace headgate::ticket
