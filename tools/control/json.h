// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading a JSON object of json-glib's: what is not there, or is of another type, is told as not there.
#pragma once

#include <json-glib/json-glib.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace headgate::control {

class Json {
 public:
  // An object, or none.
  static Json parse(const std::string& text);

  explicit operator bool() const { return object_ != nullptr; }
  std::optional<std::string> text(const char* name) const;
  std::optional<int64_t> number(const char* name) const;
  std::optional<bool> truth(const char* name) const;
  bool has(const char* name) const;
  Json member(const char* name) const;       // an object
  JsonArray* array(const char* name) const;  // null: none. Lives as long as this
  JsonObject* object() const { return object_; }

 private:
  JsonNode* node(const char* name, JsonNodeType type) const;
  std::shared_ptr<JsonNode> root_;
  JsonObject* object_ = nullptr;
};

}  // namespace headgate::control
