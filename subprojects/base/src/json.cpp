// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace headgate {
namespace {

// The whole of `text` as a T.
template <typename T>
std::optional<T> number_of(const std::string& text) {
  T value = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc() && end == last ? std::optional<T>(value) : std::nullopt;
}

void append_quoted(std::string& out, const std::string& text) {
  static constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
  out += '"';
  for (char c : text) {
    const size_t which = kFrom.find(c);
    if (which != kFrom.npos) {
      out += '\\';
      out += kTo[which];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escape[7];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

Json Json::object_of(std::string_view text, const JsonLimits& limits) {
  auto parsed = parse(text, limits);
  return parsed && parsed->is_object() ? *std::move(parsed) : Json();
}

Json Json::array_of(std::vector<Json> items) {
  Json out;
  out.kind_ = Kind::array;
  out.items_ = std::move(items);
  return out;
}

std::optional<std::string> Json::as_text() const {
  return is(Kind::string) ? std::optional(token_) : std::nullopt;
}

std::optional<int64_t> Json::as_integer() const {
  return is(Kind::number) ? number_of<int64_t>(token_) : std::nullopt;
}

std::optional<double> Json::as_number() const {
  const auto value = is(Kind::number) ? number_of<double>(token_) : std::nullopt;
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<bool> Json::as_truth() const {
  return is(Kind::boolean) ? std::optional(truth_) : std::nullopt;
}

const Json* Json::find(std::string_view key) const {
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  return found == keys_.end() ? nullptr : &items_[static_cast<size_t>(found - keys_.begin())];
}

const Json& Json::at(std::string_view key) const {
  static const Json kNull;
  const Json* found = find(key);
  return found ? *found : kNull;
}

std::string Json::text(std::string_view key, std::string_view otherwise) const {
  const Json& member = at(key);
  return member.is(Kind::string) ? member.token_ : std::string(otherwise);
}

int64_t Json::integer(std::string_view key, int64_t otherwise) const {
  return at(key).as_integer().value_or(otherwise);
}

double Json::number(std::string_view key, double otherwise) const {
  return at(key).as_number().value_or(otherwise);
}

bool Json::truth(std::string_view key, bool otherwise) const {
  return at(key).as_truth().value_or(otherwise);
}

void Json::set(std::string_view key, Json value) {
  const auto found = std::find(keys_.begin(), keys_.end(), key);
  if (found != keys_.end()) {
    items_[static_cast<size_t>(found - keys_.begin())] = std::move(value);
    return;
  }
  keys_.emplace_back(key);
  items_.push_back(std::move(value));
}

std::string Json::json() const {
  std::string out;
  write(out);
  return out;
}

void Json::write(std::string& out) const {
  switch (kind_) {
    case Kind::null:
      out += "null";
      break;
    case Kind::boolean:
      out += truth_ ? "true" : "false";
      break;
    case Kind::number:
      out += token_;
      break;
    case Kind::string:
      append_quoted(out, token_);
      break;
    case Kind::array:
    case Kind::object:
      out += is_object() ? '{' : '[';
      for (size_t i = 0; i < items_.size(); ++i) {
        if (i > 0) out += ',';
        if (is_object()) append_quoted(out, keys_[i]);
        if (is_object()) out += ':';
        items_[i].write(out);
      }
      out += is_object() ? '}' : ']';
      break;
  }
}

}  // namespace headgate
