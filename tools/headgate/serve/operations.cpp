// SPDX-License-Identifier: LGPL-2.1-or-later
#include "operations.h"

#include <base/json_line.h>
#include <common/log.h>
#include <json-glib/json-glib.h>

namespace headgate::serve {

struct Arguments::Parsed {
  JsonNode* root = nullptr;
  ~Parsed() {
    if (root) json_node_unref(root);
  }
  JsonNode* value(const char* name, GType type) const {
    JsonNode* found = root && JSON_NODE_HOLDS_OBJECT(root)
                          ? json_object_get_member(json_node_get_object(root), name)
                          : nullptr;
    return found && JSON_NODE_HOLDS_VALUE(found) && json_node_get_value_type(found) == type ? found : nullptr;
  }
};

Arguments::Arguments(const std::string& json) : parsed_(std::make_shared<Parsed>()) {
  parsed_->root = json_from_string(json.c_str(), nullptr);
}

std::string Arguments::text(const char* name) const {
  JsonNode* found = parsed_->value(name, G_TYPE_STRING);
  return found ? json_node_get_string(found) : "";
}

std::optional<int64_t> Arguments::number(const char* name) const {
  JsonNode* found = parsed_->value(name, G_TYPE_INT64);
  return found ? std::optional<int64_t>(json_node_get_int(found)) : std::nullopt;
}

bool Arguments::truth(const char* name, bool otherwise) const {
  JsonNode* found = parsed_->value(name, G_TYPE_BOOLEAN);
  return found ? json_node_get_boolean(found) != FALSE : otherwise;
}

tools::Actor Arguments::actor() const {
  return {text("by"), text("from"), text("why")};
}

std::string refusal(const std::string& error, const std::string& remedy) {
  return JsonLine().field("error", error).field("do", remedy).take();
}

void Operations::carry_out(const wire::Operate& request,
                           const std::function<void(const wire::Message&)>& answer) {
  const Arguments arguments(request.json);
  const tools::Actor actor = arguments.actor();
  tools::log_notice("an operator wants: " + request.verb + " " + request.json,
                    {{"BY", actor.by}, {"FROM", actor.from}, {"REASON", actor.reason}});
  auto done = [answer, id = request.id](unsigned code, const std::string& json) {
    answer(wire::Operated{id, code, json});
  };
  auto verb = verbs_.find(request.verb);
  if (verb == verbs_.end())
    return done(501, refusal("this supervisor cannot do that: " + request.verb,
                             "its programs are of another version: start them anew"));
  verb->second(arguments, done);
}

}  // namespace headgate::serve
