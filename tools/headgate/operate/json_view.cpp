// SPDX-License-Identifier: LGPL-2.1-or-later
#include "json_view.h"

namespace headgate::cli {
namespace {

std::string written(JsonNode* node) {
  char* text = json_to_string(node, FALSE);
  std::string out = text ? text : "null";
  g_free(text);
  return out;
}

}  // namespace

JsonNode* JsonView::value(const char* key) const {
  JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
  return node && JSON_NODE_HOLDS_VALUE(node) ? node : nullptr;
}

std::string JsonView::text(const char* key, const char* otherwise) const {
  JsonNode* node = value(key);
  return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : otherwise;
}

double JsonView::number(const char* key) const {
  JsonNode* node = value(key);
  const GType type = node ? json_node_get_value_type(node) : G_TYPE_INVALID;
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double(node) : std::nan("");
}

int64_t JsonView::integer(const char* key) const {
  JsonNode* node = value(key);
  return node && json_node_get_value_type(node) == G_TYPE_INT64 ? json_node_get_int(node) : 0;
}

std::string JsonView::scalar(const char* key) const {
  JsonNode* node = value(key);
  if (!node) return has(key) && !json_object_get_null_member(object_, key) ? json(key) : "";
  const GType type = json_node_get_value_type(node);
  if (type == G_TYPE_STRING) return json_node_get_string(node);
  if (type != G_TYPE_DOUBLE) return written(node);
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_ascii_formatd(text, sizeof text, "%.12g",
                         json_node_get_double(node));  // 27.8, not 27.800000000000001
}

std::string JsonView::bytes(const char* key) const {
  JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
  if (!node || !JSON_NODE_HOLDS_ARRAY(node)) return text(key);
  JsonArray* array = json_node_get_array(node);
  std::string out;
  for (guint i = 0; i < json_array_get_length(array); ++i) {
    JsonNode* one = json_array_get_element(array, i);
    const GType type = JSON_NODE_HOLDS_VALUE(one) ? json_node_get_value_type(one) : G_TYPE_INVALID;
    if (type == G_TYPE_STRING) return json_node_get_string(one);
    if (type != G_TYPE_INT64) return "";
    out += static_cast<char>(json_node_get_int(one));
  }
  return out;
}

bool JsonView::flag(const char* key) const {
  JsonNode* node = value(key);
  return node && json_node_get_value_type(node) == G_TYPE_BOOLEAN && json_node_get_boolean(node);
}

JsonView JsonView::object(const char* key) const {
  JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
  return JsonView(node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : nullptr);
}

std::string JsonView::json(const char* key) const {
  JsonNode* node = object_ ? json_object_get_member(object_, key) : nullptr;
  return node ? written(node) : "null";
}

std::string JsonView::json() const {
  if (!object_) return "null";
  std::unique_ptr<JsonNode, void (*)(JsonNode*)> node(json_node_alloc(), json_node_unref);
  json_node_init_object(node.get(), object_);
  return written(node.get());
}

std::optional<Json> Json::parse(const std::string& text) {
  JsonNode* root = json_from_string(text.c_str(), nullptr);
  if (root && JSON_NODE_HOLDS_OBJECT(root)) return Json(root);
  if (root) json_node_unref(root);
  return std::nullopt;
}

}  // namespace headgate::cli
