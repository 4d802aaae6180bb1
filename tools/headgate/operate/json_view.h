// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers of the API, read without trust: a member may be of another type, null or not there.
#pragma once

#include <json-glib/json-glib.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace headgate::cli {

// A view into a Json, which must outlive it.
class JsonView {
 public:
  explicit JsonView(JsonObject* object = nullptr) : object_(object) {}
  explicit operator bool() const { return object_ != nullptr; }

  bool has(const char* key) const { return object_ && json_object_has_member(object_, key); }
  std::string text(const char* key, const char* otherwise = "") const;
  double number(const char* key) const;    // NaN: not known
  int64_t integer(const char* key) const;  // 0: not known
  std::string scalar(
      const char* key) const;  // a text as it is, a number or a flag as JSON has it; else empty
  // A text, or one that the journal writes as an array of bytes because it is no UTF-8; of several the first.
  std::string bytes(const char* key) const;
  bool flag(const char* key) const;
  JsonView object(const char* key) const;
  // The member as JSON; "null" where there is none.
  std::string json(const char* key) const;
  std::string json() const;  // all of it

  // Each object of an array, or the one that is there without one.
  template <typename Visit>
  void each(const char* key, Visit visit) const {
    JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
    if (node && JSON_NODE_HOLDS_OBJECT(node)) return visit(JsonView(json_node_get_object(node)));
    if (!node || !JSON_NODE_HOLDS_ARRAY(node)) return;
    JsonArray* array = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(array); ++i) {
      JsonNode* one = json_array_get_element(array, i);
      if (JSON_NODE_HOLDS_OBJECT(one)) visit(JsonView(json_node_get_object(one)));
    }
  }
  // Each member's name.
  template <typename Visit>
  void each_member(Visit visit) const {
    if (!object_) return;
    GList* names = json_object_get_members(object_);
    for (GList* at = names; at; at = at->next) visit(static_cast<const char*>(at->data));
    g_list_free(names);
  }

 private:
  JsonNode* value(const char* key) const;
  JsonObject* object_;
};

// One parsed text.
class Json {
 public:
  // Nothing when it is not a JSON object.
  static std::optional<Json> parse(const std::string& text);
  JsonView view() const { return JsonView(json_node_get_object(root_.get())); }

 private:
  struct Unref {
    void operator()(JsonNode* node) const { json_node_unref(node); }
  };
  explicit Json(JsonNode* root) : root_(root) {}
  std::unique_ptr<JsonNode, Unref> root_;
};

}  // namespace headgate::cli
