// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tag_attributes.h"

#include <algorithm>

namespace headgate::conformance {
namespace {

enum class Type : uint8_t {
  integer,
  decimal,
  signed_decimal,
  resolution,
  hex,
  word,
  quoted,
  range,
  captions
};

struct AttributeRule {
  std::string_view tag, name;
  Type type;
  bool required = false;
  std::string_view words{};  // of Type::word: "A|B"; empty: any
};

// clang-format off
constexpr AttributeRule kAttributes[] = {
    {"EXT-X-START", "TIME-OFFSET", Type::signed_decimal, true},
    {"EXT-X-START", "PRECISE", Type::word, false, "YES|NO"},
    {"EXT-X-DEFINE", "NAME", Type::quoted},
    {"EXT-X-DEFINE", "VALUE", Type::quoted},
    {"EXT-X-DEFINE", "IMPORT", Type::quoted},
    {"EXT-X-DEFINE", "QUERYPARAM", Type::quoted},
    {"EXT-X-PART-INF", "PART-TARGET", Type::decimal, true},
    {"EXT-X-SERVER-CONTROL", "CAN-SKIP-UNTIL", Type::decimal},
    {"EXT-X-SERVER-CONTROL", "CAN-SKIP-DATERANGES", Type::word, false, "YES|NO"},
    {"EXT-X-SERVER-CONTROL", "HOLD-BACK", Type::decimal},
    {"EXT-X-SERVER-CONTROL", "PART-HOLD-BACK", Type::decimal},
    {"EXT-X-SERVER-CONTROL", "CAN-BLOCK-RELOAD", Type::word, false, "YES|NO"},
    {"EXT-X-KEY", "METHOD", Type::word, true},
    {"EXT-X-KEY", "URI", Type::quoted},
    {"EXT-X-KEY", "IV", Type::hex},
    {"EXT-X-KEY", "KEYFORMAT", Type::quoted},
    {"EXT-X-KEY", "KEYFORMATVERSIONS", Type::quoted},
    {"EXT-X-MAP", "URI", Type::quoted, true},
    {"EXT-X-MAP", "BYTERANGE", Type::range},
    {"EXT-X-PART", "URI", Type::quoted, true},
    {"EXT-X-PART", "DURATION", Type::decimal, true},
    {"EXT-X-PART", "INDEPENDENT", Type::word, false, "YES|NO"},
    {"EXT-X-PART", "BYTERANGE", Type::range},
    {"EXT-X-PART", "GAP", Type::word, false, "YES|NO"},
    {"EXT-X-DATERANGE", "ID", Type::quoted, true},
    {"EXT-X-DATERANGE", "START-DATE", Type::quoted},
    {"EXT-X-DATERANGE", "DURATION", Type::decimal},
    {"EXT-X-SKIP", "SKIPPED-SEGMENTS", Type::integer, true},
    {"EXT-X-SKIP", "RECENTLY-REMOVED-DATERANGES", Type::quoted},
    {"EXT-X-PRELOAD-HINT", "TYPE", Type::word, true},
    {"EXT-X-PRELOAD-HINT", "URI", Type::quoted, true},
    {"EXT-X-PRELOAD-HINT", "BYTERANGE-START", Type::integer},
    {"EXT-X-PRELOAD-HINT", "BYTERANGE-LENGTH", Type::integer},
    {"EXT-X-RENDITION-REPORT", "URI", Type::quoted, true},
    {"EXT-X-RENDITION-REPORT", "LAST-MSN", Type::integer},
    {"EXT-X-RENDITION-REPORT", "LAST-PART", Type::integer},
    {"EXT-X-MEDIA", "TYPE", Type::word, true, "AUDIO|VIDEO|SUBTITLES|CLOSED-CAPTIONS"},
    {"EXT-X-MEDIA", "URI", Type::quoted},
    {"EXT-X-MEDIA", "GROUP-ID", Type::quoted, true},
    {"EXT-X-MEDIA", "LANGUAGE", Type::quoted},
    {"EXT-X-MEDIA", "ASSOC-LANGUAGE", Type::quoted},
    {"EXT-X-MEDIA", "NAME", Type::quoted, true},
    {"EXT-X-MEDIA", "DEFAULT", Type::word, false, "YES|NO"},
    {"EXT-X-MEDIA", "AUTOSELECT", Type::word, false, "YES|NO"},
    {"EXT-X-MEDIA", "FORCED", Type::word, false, "YES|NO"},
    {"EXT-X-MEDIA", "INSTREAM-ID", Type::quoted},
    {"EXT-X-MEDIA", "BIT-DEPTH", Type::integer},
    {"EXT-X-MEDIA", "SAMPLE-RATE", Type::integer},
    {"EXT-X-MEDIA", "CHARACTERISTICS", Type::quoted},
    {"EXT-X-MEDIA", "CHANNELS", Type::quoted},
    {"EXT-X-STREAM-INF", "BANDWIDTH", Type::integer, true},
    {"EXT-X-STREAM-INF", "AVERAGE-BANDWIDTH", Type::integer},
    {"EXT-X-STREAM-INF", "SCORE", Type::decimal},
    {"EXT-X-STREAM-INF", "CODECS", Type::quoted},
    {"EXT-X-STREAM-INF", "RESOLUTION", Type::resolution},
    {"EXT-X-STREAM-INF", "FRAME-RATE", Type::decimal},
    {"EXT-X-STREAM-INF", "HDCP-LEVEL", Type::word, false, "TYPE-0|TYPE-1|NONE"},
    {"EXT-X-STREAM-INF", "VIDEO-RANGE", Type::word},
    {"EXT-X-STREAM-INF", "AUDIO", Type::quoted},
    {"EXT-X-STREAM-INF", "VIDEO", Type::quoted},
    {"EXT-X-STREAM-INF", "SUBTITLES", Type::quoted},
    {"EXT-X-STREAM-INF", "CLOSED-CAPTIONS", Type::captions},
    {"EXT-X-I-FRAME-STREAM-INF", "URI", Type::quoted, true},
    {"EXT-X-I-FRAME-STREAM-INF", "BANDWIDTH", Type::integer, true},
    {"EXT-X-I-FRAME-STREAM-INF", "AVERAGE-BANDWIDTH", Type::integer},
    {"EXT-X-I-FRAME-STREAM-INF", "CODECS", Type::quoted},
    {"EXT-X-I-FRAME-STREAM-INF", "RESOLUTION", Type::resolution},
    {"EXT-X-I-FRAME-STREAM-INF", "VIDEO-RANGE", Type::word},
    {"EXT-X-I-FRAME-STREAM-INF", "VIDEO", Type::quoted},
};
// clang-format on

bool is_word_of(std::string_view value, std::string_view words) {
  while (!words.empty()) {
    const size_t bar = words.find('|');
    if (value == words.substr(0, bar)) return true;
    words = bar == words.npos ? std::string_view() : words.substr(bar + 1);
  }
  return false;
}

bool is_hex(std::string_view value) {
  if (value.size() < 3 || value[0] != '0' || (value[1] != 'x' && value[1] != 'X')) return false;
  return value.find_first_not_of("0123456789abcdefABCDEF", 2) == value.npos;
}

// "" or what it should be.
std::string_view fault(const AttributeRule& rule, const Attribute& attribute) {
  const std::string_view value = attribute.value;
  const bool quoted = rule.type == Type::quoted || rule.type == Type::range;
  if (rule.type == Type::captions)
    return attribute.quoted || value == "NONE" ? "" : "a quoted string or NONE";
  if (attribute.quoted != quoted) return quoted ? "a quoted string" : "without quotes";
  switch (rule.type) {
    case Type::integer:
      return read_integer(value) ? "" : "a decimal integer";
    case Type::decimal:
      return read_decimal(value) ? "" : "a decimal number";
    case Type::signed_decimal:
      return read_decimal(value.substr(!value.empty() && value[0] == '-')) ? "" : "a decimal number";
    case Type::resolution:
      return read_resolution(value) ? "" : "WIDTHxHEIGHT";
    case Type::hex:
      return is_hex(value) ? "" : "0x and hexadecimal digits";
    case Type::word:
      return rule.words.empty() || is_word_of(value, rule.words) ? "" : rule.words;
    case Type::range:
      return read_range(value) ? "" : "LENGTH[@OFFSET], of bytes";
    case Type::quoted:
      // May be empty: a variable's value, and which date ranges were removed.
      return !value.empty() || rule.name == "VALUE" || rule.name == "RECENTLY-REMOVED-DATERANGES"
                 ? ""
                 : "not empty";
    case Type::captions:
      break;
  }
  return "";
}

}  // namespace

Attributes::Attributes(std::string_view tag, std::string_view text, size_t line, Findings& findings) {
  std::string broken;
  const std::vector<Attribute> all = read_attributes(text, broken);
  if (!broken.empty()) add(findings, "attribute-list", line, std::string(tag) + ": " + broken);
  for (const Attribute& attribute : all) {
    if (find(attribute.name)) {
      add(findings, "attribute-twice", line, std::string(tag) + " has two of " + std::string(attribute.name));
      continue;
    }
    const auto* rule =
        std::find_if(std::begin(kAttributes), std::end(kAttributes),
                     [&](const AttributeRule& one) { return one.tag == tag && one.name == attribute.name; });
    const std::string_view wanted = rule == std::end(kAttributes) ? "" : fault(*rule, attribute);
    if (wanted.empty()) {
      list_.push_back(attribute);
    } else {
      add(findings, "attribute-type", line,
          std::string(tag) + ": " + std::string(attribute.name) + " is '" +
              std::string(attribute.value.substr(0, 60)) + "', expected " + std::string(wanted));
    }
  }
  for (const AttributeRule& rule : kAttributes) {
    const bool given =
        std::any_of(all.begin(), all.end(), [&](const Attribute& one) { return one.name == rule.name; });
    if (rule.tag == tag && rule.required && !given)
      add(findings, "attribute-missing", line, std::string(tag) + " has no " + std::string(rule.name));
  }
}

const Attribute* Attributes::find(std::string_view name) const {
  auto found =
      std::find_if(list_.begin(), list_.end(), [&](const Attribute& one) { return one.name == name; });
  return found == list_.end() ? nullptr : &*found;
}
std::optional<std::string> Attributes::text(std::string_view name) const {
  const Attribute* found = find(name);
  if (!found) return std::nullopt;
  return std::string(found->value);
}
std::optional<uint64_t> Attributes::integer(std::string_view name) const {
  const Attribute* found = find(name);
  return found ? read_integer(found->value) : std::nullopt;
}
std::optional<Micros> Attributes::decimal(std::string_view name) const {
  const Attribute* found = find(name);
  return found ? read_decimal(found->value) : std::nullopt;
}
bool Attributes::is(std::string_view name, std::string_view value) const {
  const Attribute* found = find(name);
  return found && found->value == value;
}
bool Attributes::any_begins(std::string_view prefix) const {
  return std::any_of(list_.begin(), list_.end(),
                     [&](const Attribute& one) { return one.name.substr(0, prefix.size()) == prefix; });
}

}  // namespace headgate::conformance
