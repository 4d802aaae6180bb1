// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json.h"

namespace headgate::control {

Json Json::parse(const std::string& text) {
  Json out;
  JsonNode* root = json_from_string(text.c_str(), nullptr);
  if (!root) return out;
  out.root_.reset(root, json_node_unref);
  if (JSON_NODE_HOLDS_OBJECT(root)) out.object_ = json_node_get_object(root);
  return out;
}

JsonNode* Json::node(const char* name, JsonNodeType type) const {
  JsonNode* found = object_ ? json_object_get_member(object_, name) : nullptr;
  return found && json_node_get_node_type(found) == type ? found : nullptr;
}

bool Json::has(const char* name) const {
  return object_ && json_object_has_member(object_, name);
}

std::optional<std::string> Json::text(const char* name) const {
  JsonNode* found = node(name, JSON_NODE_VALUE);
  if (!found || json_node_get_value_type(found) != G_TYPE_STRING) return std::nullopt;
  return std::string(json_node_get_string(found));
}

std::optional<int64_t> Json::number(const char* name) const {
  JsonNode* found = node(name, JSON_NODE_VALUE);
  if (!found || json_node_get_value_type(found) != G_TYPE_INT64) return std::nullopt;
  return json_node_get_int(found);
}

std::optional<bool> Json::truth(const char* name) const {
  JsonNode* found = node(name, JSON_NODE_VALUE);
  if (!found || json_node_get_value_type(found) != G_TYPE_BOOLEAN) return std::nullopt;
  return json_node_get_boolean(found) != FALSE;
}

Json Json::member(const char* name) const {
  Json out;
  JsonNode* found = node(name, JSON_NODE_OBJECT);
  if (!found) return out;
  out.root_ = root_;
  out.object_ = json_node_get_object(found);
  return out;
}

JsonArray* Json::array(const char* name) const {
  JsonNode* found = node(name, JSON_NODE_ARRAY);
  return found ? json_node_get_array(found) : nullptr;
}

}  // namespace headgate::control
