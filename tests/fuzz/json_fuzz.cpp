// SPDX-License-Identifier: LGPL-2.1-or-later
// JSON of anybody's: bodies of requests, records, ticket files, answers. What is read is written in a form
// that reads the same.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>

#include <base/json.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

int depth_of(const Json& value) {
  int most = 0;
  for (const Json& one : value.items()) most = std::max(most, depth_of(one));
  return most + 1;
}

void read_all(const Json& value) {
  require(value.keys().size() == (value.is_object() ? value.items().size() : 0));
  require(!value.as_integer() || value.as_number());
  require(value.as_text().has_value() == value.is(Json::Kind::string));
  for (const std::string& key : value.keys()) require(value.has(key));
  for (const Json& one : value.items()) read_all(one);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  constexpr JsonLimits kLimits{.bytes = 4096, .depth = 8};
  const auto json = Json::parse(text, kLimits);
  if (!json) {
    const std::string& why = json.error().message;
    int line = 0, column = 0;
    const auto [colon, no_line] = std::from_chars(why.data(), why.data() + why.size(), line);
    require(no_line == std::errc() && *colon == ':' && line > 0);
    const auto [end, no_column] = std::from_chars(colon + 1, why.data() + why.size(), column);
    require(no_column == std::errc() && std::string_view(end).starts_with(": ") && column > 0);
    return 0;
  }
  require(size <= kLimits.bytes && depth_of(*json) <= kLimits.depth);
  read_all(*json);
  const std::string written = json->json();
  const auto again = Json::parse(written);
  require(again && again->json() == written);
  return 0;
}
