// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <pipeline/description.h>
#include <pipeline/document.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace headgate::pipeline {
namespace {

// Nothing of a stranger's file moves a terminal's cursor.
std::string printable(const std::string& text) {
  constexpr size_t kMost = 256;
  std::string out = text.substr(0, kMost);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::string list(const std::vector<const char*>& names) {
  std::string out;
  for (const char* name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

}  // namespace

std::string pointer_to(const std::string& parent, const std::string& key) {
  std::string out = parent + "/";
  for (char c : printable(key)) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string number_text(const Json& node) {
  constexpr double kExact = 9007199254740992;  // 2^53
  double number = 0;
  const char* end = node.token().data() + node.token().size();
  const bool plain = node.token().find_first_of(".eE") == std::string::npos;
  if (plain || std::from_chars(node.token().data(), end, number).ec != std::errc() ||
      std::trunc(number) != number || std::abs(number) > kExact)
    return node.token();
  return std::to_string(static_cast<int64_t>(number));
}

bool Document::parse(const std::string& json, Json& out) {
  auto parsed = Json::parse(json, {.depth = kMaxDescriptionDepth});
  if (!parsed) {
    faults_.push_back(file_ + ":" + parsed.error().message);
    return false;
  }
  out = *std::move(parsed);
  return is_object(out, "");
}

bool Document::wrong(JsonPlace at, const std::string& pointer, const std::string& reason) {
  if (faults_.size() < kMaxFaults)
    faults_.push_back(file_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " +
                      (pointer.empty() ? "/" : pointer) + ": " + printable(reason));
  return false;
}

bool Document::is_object(const Json& node, const std::string& pointer) {
  return node.is(Json::Kind::object) || wrong(node, pointer, "is not an object: { … }");
}

bool Document::keys(const Json& node, const std::string& pointer, const std::vector<const char*>& known,
                    const std::vector<const char*>& needed, const char* of) {
  if (!is_object(node, pointer)) return false;
  bool good = true;
  for (size_t i = 0; i < node.keys().size(); ++i)
    if (std::find(known.begin(), known.end(), node.keys()[i]) == known.end())
      good = wrong(node.items()[i], pointer_to(pointer, node.keys()[i]),
                   std::string("is not a key of ") + of + "; there are " + list(known));
  for (const char* name : needed)
    if (!node.find(name)) good = wrong(node, pointer_to(pointer, name), "is missing");
  return good;
}

std::optional<std::string> Document::text(const Json& node, const std::string& pointer) {
  auto value = node.as_text();
  if (!value) wrong(node, pointer, "is not a string");
  return value;
}

std::optional<int64_t> Document::integer(const Json& node, const std::string& pointer, int64_t least,
                                         int64_t most) {
  int64_t value = 0;
  const std::string text = number_text(node);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (node.is(Json::Kind::number) && error == std::errc() && end == text.data() + text.size() &&
      value >= least && value <= most)
    return value;
  wrong(node, pointer, "is not an integer from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<double> Document::number(const Json& node, const std::string& pointer, double least,
                                       double most) {
  const auto value = node.as_number();
  if (value && *value >= least && *value <= most) return value;
  char range[64];
  std::snprintf(range, sizeof range, "%.10g to %.10g", least, most);
  wrong(node, pointer, std::string("is not a number from ") + range);
  return std::nullopt;
}

std::optional<bool> Document::truth(const Json& node, const std::string& pointer) {
  const auto value = node.as_truth();
  if (!value) wrong(node, pointer, "is neither true nor false");
  return value;
}

std::optional<int64_t> Document::duration(const Json& node, const std::string& pointer, int64_t least,
                                          int64_t most) {
  if (!node.is(Json::Kind::string)) {
    wrong(node, pointer, "is not a duration with its unit, like \"1.5s\"");
    return std::nullopt;
  }
  auto value = parse_quantity(Type::duration, node.token());
  if (!value) {
    wrong(node, pointer, value.error().message);
    return std::nullopt;
  }
  if (*value >= least && *value <= most) return *value;
  const auto in_ms = [](int64_t ns) { return std::to_string(ns / 1'000'000) + " ms"; };
  wrong(node, pointer, "is not from " + in_ms(least) + " to " + in_ms(most));
  return std::nullopt;
}

std::optional<int64_t> Document::bit_rate(const Json& node, const std::string& pointer, int64_t most) {
  if (!node.is(Json::Kind::string)) {
    wrong(node, pointer, "is not a bit rate with its unit, like \"300kbit/s\"");
    return std::nullopt;
  }
  auto value = parse_quantity(Type::bitrate, node.token());
  if (value && *value >= 0 && *value <= most) return *value;
  wrong(node, pointer, value ? "is not from 0 to " + std::to_string(most) + " bit/s" : value.error().message);
  return std::nullopt;
}

bool Document::is_name(const std::string& name, const Json& at, const std::string& pointer) {
  constexpr size_t kMaxNameBytes = 64;
  const bool good = !name.empty() && name.size() <= kMaxNameBytes &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return g_ascii_islower(c) || g_ascii_isdigit(c) || c == '-'; });
  return good || wrong(at, pointer, "is not [a-z0-9-]{1,64}");
}

}  // namespace headgate::pipeline
