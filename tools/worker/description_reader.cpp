// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading a description: every key is known, typed and used, or the file is refused.
#include <json-glib/json-glib.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <set>

#include "description.h"

namespace headgate::worker {

namespace {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};

std::vector<std::string> members(JsonObject* object) {
  std::vector<std::string> out;
  GList* names = json_object_get_members(object);
  for (GList* name = names; name; name = name->next) out.emplace_back(static_cast<const char*>(name->data));
  g_list_free(names);
  return out;
}

bool is_text(JsonNode* node) {
  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

bool is_number(JsonNode* node) {
  if (!JSON_NODE_HOLDS_VALUE(node)) return false;
  GType type = json_node_get_value_type(node);
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

bool good_name(const std::string& name) {
  for (char c : name)
    if (!g_ascii_islower(c) && !g_ascii_isdigit(c) && c != '-') return false;
  return !name.empty() && name.size() <= 64;
}

std::string number_text(JsonNode* node) {
  char digits[40];
  auto end = json_node_get_value_type(node) == G_TYPE_INT64
                 ? std::to_chars(digits, digits + sizeof digits, json_node_get_int(node))
                 : std::to_chars(digits, digits + sizeof digits, json_node_get_double(node));
  return {digits, end.ptr};
}

}  // namespace

class DescriptionReader {
 public:
  explicit DescriptionReader(std::string file) { out_.file_ = std::move(file); }

  Result<Description> read(const std::string& json) {
    std::unique_ptr<JsonParser, Unref> parser(json_parser_new_immutable());
    GError* error = nullptr;
    if (!json_parser_load_from_data(parser.get(), json.data(), static_cast<gssize>(json.size()), &error)) {
      std::string reason = error->message;  // "<data>:LINE:COLUMN: …"
      g_error_free(error);
      constexpr std::string_view kFront = "<data>:";
      size_t line_end = reason.rfind(kFront, 0) == 0 ? reason.find(':', kFront.size()) : std::string::npos;
      if (line_end == std::string::npos) return Unexpected(out_.file_ + ": " + reason);
      std::string line = reason.substr(kFront.size(), line_end - kFront.size());
      return Unexpected(out_.file_ + ": line " + line + ", column " + reason.substr(line_end + 1));
    }
    JsonNode* root = json_parser_get_root(parser.get());
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) return Unexpected(out_.file_ + ": is not a JSON object");
    if (auto good = read_top(json_node_get_object(root)); !good) return Unexpected(good.error());
    if (auto good = check_references(); !good) return Unexpected(good.error());
    return out_;
  }

 private:
  Unexpected wrong(const std::string& key, const std::string& reason) const {
    return Unexpected(out_.file_ + ": " + key + ": " + reason);
  }

  Result<void> read_top(JsonObject* top) {
    for (const char* needed : {"name", "elements"})
      if (!json_object_has_member(top, needed)) return wrong(needed, "is missing");
    for (const std::string& key : members(top)) {
      JsonNode* node = json_object_get_member(top, key.c_str());
      Result<void> good;
      if (key == "name" || key == "about")
        good = is_text(node) ? Result<void>() : wrong(key, "is not a string");
      else if (key == "elements")
        good = read_elements(node);
      else if (key == "parameters")
        good = read_parameters(node);
      else if (key == "restart")
        good = read_restart(node);
      else if (key == "grace-seconds")
        good = read_grace(node);
      else
        good = wrong(key, "is not a key of a pipeline description");
      if (!good) return good;
    }
    out_.name_ = json_object_get_string_member(top, "name");
    if (!good_name(out_.name_)) return wrong("name", "is not [a-z0-9-]{1,64}");
    return {};
  }

  // One string, or an array of lines.
  Result<void> read_elements(JsonNode* node) {
    if (is_text(node)) {
      out_.elements_ = json_node_get_string(node);
      return {};
    }
    if (!JSON_NODE_HOLDS_ARRAY(node)) return wrong("elements", "is not a string or an array of strings");
    JsonArray* lines = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(lines); ++i) {
      JsonNode* line = json_array_get_element(lines, i);
      if (!is_text(line)) return wrong("elements[" + std::to_string(i) + "]", "is not a string");
      out_.elements_ += std::string(json_node_get_string(line)) + "\n";
    }
    return {};
  }

  Result<void> read_parameters(JsonNode* node) {
    if (!JSON_NODE_HOLDS_OBJECT(node)) return wrong("parameters", "is not an object");
    JsonObject* all = json_node_get_object(node);
    for (const std::string& name : members(all)) {
      std::string key = "parameters." + name;
      if (!good_name(name)) return wrong(key, "a parameter's name is [a-z0-9-]{1,64}");
      JsonNode* one = json_object_get_member(all, name.c_str());
      if (!JSON_NODE_HOLDS_OBJECT(one)) return wrong(key, "is not an object");
      if (auto good = read_parameter(name, key, json_node_get_object(one)); !good) return good;
    }
    if (out_.parameters_.size() > kMaxParameters)
      return wrong("parameters", "more than " + std::to_string(kMaxParameters));
    return {};
  }

  Result<void> read_parameter(const std::string& name, const std::string& key, JsonObject* object) {
    Description::Parameter parameter;
    JsonNode* type = json_object_get_member(object, "type");
    if (!type || !is_text(type)) return wrong(key + ".type", "is missing or not a string");
    static constexpr std::pair<const char*, Description::Type> kTypes[] = {
        {"string", Description::Type::string},
        {"integer", Description::Type::integer},
        {"number", Description::Type::number},
        {"boolean", Description::Type::boolean}};
    bool known = false;
    for (auto& [text, value] : kTypes) {
      if (std::strcmp(json_node_get_string(type), text) != 0) continue;
      parameter.type = value;
      known = true;
    }
    if (!known) return wrong(key + ".type", "is not string, integer, number or boolean");
    bool numeric =
        parameter.type == Description::Type::integer || parameter.type == Description::Type::number;
    for (const std::string& member : members(object)) {
      JsonNode* node = json_object_get_member(object, member.c_str());
      std::string place = key + "." + member;
      if (member == "type") continue;
      if (member == "about") {
        if (!is_text(node)) return wrong(place, "is not a string");
      } else if (member == "min" || member == "max") {
        if (!numeric || !is_number(node)) return wrong(place, "is for numbers and a number");
        (member == "min" ? parameter.has_least : parameter.has_most) = true;
        (member == "min" ? parameter.least : parameter.most) = json_node_get_double(node);
      } else if (member == "default") {
        if (auto good = read_default(parameter, place, node); !good) return good;
      } else {
        return wrong(place, "is not a key of a parameter");
      }
    }
    if (parameter.has_default)
      if (auto good = Description::checked(parameter, parameter.default_value); !good)
        return wrong(key + ".default", good.error().message);
    out_.parameters_[name] = parameter;
    return {};
  }

  Result<void> read_default(Description::Parameter& parameter, const std::string& place, JsonNode* node) {
    bool boolean = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN;
    if (is_text(node) && parameter.type == Description::Type::string)
      parameter.default_value = json_node_get_string(node);
    else if (boolean && parameter.type == Description::Type::boolean)
      parameter.default_value = json_node_get_boolean(node) ? "true" : "false";
    else if (is_number(node) && parameter.type != Description::Type::string &&
             parameter.type != Description::Type::boolean)
      parameter.default_value = number_text(node);
    else
      return wrong(place, "is not of the parameter's type");
    parameter.has_default = true;
    return {};
  }

  Result<void> read_restart(JsonNode* node) {
    if (!JSON_NODE_HOLDS_OBJECT(node)) return wrong("restart", "is not an object");
    JsonObject* restart = json_node_get_object(node);
    for (const std::string& key : members(restart)) {
      JsonNode* value = json_object_get_member(restart, key.c_str());
      if (key != "errors-per-minute") return wrong("restart." + key, "is not a key of \"restart\"");
      if (!is_number(value) || json_node_get_int(value) < 1 || json_node_get_int(value) > 1000)
        return wrong("restart.errors-per-minute", "is not a number from 1 to 1000");
      out_.errors_per_minute_ = json_node_get_int(value);
    }
    return {};
  }

  Result<void> read_grace(JsonNode* node) {
    constexpr int64_t kMostSeconds = 86'400;
    if (!is_number(node) || json_node_get_int(node) < 0 || json_node_get_int(node) > kMostSeconds)
      return wrong("grace-seconds", "is not a number from 0 to " + std::to_string(kMostSeconds));
    out_.grace_ms_ = json_node_get_int(node) * 1000;
    return {};
  }

  Result<void> check_references() {
    std::set<std::string> used;
    const std::string& text = out_.elements_;
    for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
      size_t close = text.find('}', open);
      if (close == std::string::npos) return wrong("elements", "a { without }");
      std::string name = text.substr(open + 1, close - open - 1);
      if (!out_.has_parameter(name)) return wrong("elements", "{" + name + "} is not a parameter");
      used.insert(name);
    }
    for (const auto& [name, parameter] : out_.parameters_)
      if (used.count(name) == 0) return wrong("parameters." + name, "is not used in \"elements\"");
    return {};
  }

  Description out_;
};

Result<Description> Description::parse(const std::string& json, const std::string& file) {
  return DescriptionReader(file).read(json);
}

}  // namespace headgate::worker
