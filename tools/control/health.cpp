// SPDX-License-Identifier: LGPL-2.1-or-later
#include "health.h"

#include <health/conditions.h>

#include "json.h"

namespace headgate::control {
namespace {

bool is_true(JsonObject* object, const char* name) {
  JsonNode* node = json_object_get_member(object, name);
  return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
         json_node_get_boolean(node);
}

}  // namespace

std::set<std::string> conditions_of(const std::string& health_json) {
  std::set<std::string> out;
  const Json json = Json::parse(health_json);
  if (!json) return out;
  auto look = [&](JsonObject* object) {
    for (const auto& one : health::kConditions)
      if (is_true(object, one.name)) out.insert(one.name);
  };
  look(json.object());
  JsonArray* streams = json.array("streams");
  for (guint i = 0; streams && i < json_array_get_length(streams); ++i) {
    JsonNode* one = json_array_get_element(streams, i);
    if (JSON_NODE_HOLDS_OBJECT(one)) look(json_node_get_object(one));
  }
  return out;
}

}  // namespace headgate::control
