// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <pipeline/description.h>
#include <pipeline/parameter_reader.h>

#include <algorithm>

namespace headgate::pipeline {
namespace {

using Kind = Json::Kind;

bool is_choice_name(const std::string& name) {
  constexpr size_t kMost = 64;
  return !name.empty() && name.size() <= kMost && std::all_of(name.begin(), name.end(), [](char c) {
    return g_ascii_isalnum(c) || std::string_view("_.,:/+@-").find(c) != std::string_view::npos;
  });
}

// An array of names, or an object of names and what is filled in for each.
bool read_choices(Document& document, Parameter& parameter, const Json& node, const std::string& pointer) {
  const bool object = node.is(Kind::object);
  if (!object && !node.is(Kind::array))
    return document.wrong(node, pointer, "is not an array of names, nor an object of names and texts");
  if (node.items().empty() || node.items().size() > kMaxChoices)
    return document.wrong(node, pointer, "has not 1 to " + std::to_string(kMaxChoices) + " values");
  for (size_t i = 0; i < node.items().size(); ++i) {
    const Json& item = node.items()[i];
    const std::string place = pointer_to(pointer, object ? node.keys()[i] : std::to_string(i));
    if (!item.is(Kind::string)) return document.wrong(item, place, "is not a string");
    const std::string& name = object ? node.keys()[i] : item.token();
    if (!is_choice_name(name)) return document.wrong(item, place, "a value is [A-Za-z0-9_.,:/+@-]{1,64}");
    for (const auto& [other, text] : parameter.values)
      if (other == name) return document.wrong(item, place, "stands twice");
    parameter.values.emplace_back(name, item.token());
  }
  return true;
}

bool read_unit(Document& document, Parameter& parameter, const Json& node, const std::string& pointer) {
  constexpr size_t kMaxUnitBytes = 16;
  auto unit = document.text(node, pointer);
  if (!unit) return false;
  if (!has_range(parameter.type)) return document.wrong(node, pointer, "is for numbers");
  if (has_units(parameter.type) && !is_unit(parameter.type, *unit))
    return document.wrong(node, pointer, "is none of " + unit_names(parameter.type));
  if (unit->empty() || unit->size() > kMaxUnitBytes)
    return document.wrong(node, pointer, "is not 1 to 16 bytes long");
  parameter.unit = *std::move(unit);
  return true;
}

// The keys whose meaning depends on the type and its unit.
bool read_rest(Document& document, Parameter& parameter, const Json& node, const std::string& pointer) {
  bool good = true;
  if (const Json* values = node.find("values")) {
    if (parameter.type != Type::choice) return document.wrong(*values, pointer + "/values", "is for an enum");
    good = read_choices(document, parameter, *values, pointer + "/values");
  } else if (parameter.type == Type::choice) {
    return document.wrong(node, pointer + "/values", "is missing");
  }
  if (!good) return false;
  for (const auto& [key, target] : {std::pair("min", &parameter.least), std::pair("max", &parameter.most)}) {
    const Json* bound = node.find(key);
    const std::string place = pointer_to(pointer, key);
    if (!bound) continue;
    if (!has_range(parameter.type)) return document.wrong(*bound, place, "is for numbers");
    auto value = read_value(document, parameter, *bound, place);
    if (!value) return false;
    *target = *value;
  }
  const Json* preset = node.find("default");
  if (!preset) return true;
  auto value = read_value(document, parameter, *preset, pointer + "/default");
  if (!value) return false;
  parameter.preset = *std::move(value);
  return true;
}

}  // namespace

std::optional<std::string> read_value(Document& document, const Parameter& parameter, const Json& node,
                                      const std::string& pointer) {
  std::string value;
  if (parameter.type == Type::boolean && node.is(Kind::boolean))
    value = *node.as_truth() ? "true" : "false";
  else if (node.is(Kind::number) && has_range(parameter.type))
    value = number_text(node);
  else if (node.is(Kind::string) && (!has_range(parameter.type) || has_units(parameter.type)) &&
           parameter.type != Type::boolean)
    value = node.token();
  else
    return document.wrong(node, pointer, std::string("is not of type ") + type_name(parameter.type)),
           std::nullopt;
  if (auto good = parameter.check(value); !good)
    return document.wrong(node, pointer, good.error().message), std::nullopt;
  return value;
}

std::vector<Parameter> read_parameters(Document& document, const Json& node, const std::string& pointer) {
  std::vector<Parameter> out;
  if (!document.is_object(node, pointer)) return out;
  if (node.items().size() > kMaxParameters) {
    document.wrong(node, pointer, "has more than " + std::to_string(kMaxParameters));
    return out;
  }
  for (size_t i = 0; i < node.items().size(); ++i) {
    const Json& one = node.items()[i];
    const std::string place = pointer_to(pointer, node.keys()[i]);
    if (!document.is_name(node.keys()[i], one, place)) continue;
    if (!document.keys(one, place, {"type", "default", "min", "max", "unit", "values", "about"}, {"type"},
                       "a parameter"))
      continue;
    Parameter parameter;
    parameter.name = node.keys()[i];
    const Json& type = *one.find("type");
    auto name = document.text(type, place + "/type");
    if (!name) continue;
    auto known = type_of(*name);
    if (!known) {
      document.wrong(type, place + "/type",
                     "is not string, integer, number, boolean, enum, duration or bitrate");
      continue;
    }
    parameter.type = *known;
    if (const Json* about = one.find("about")) {
      auto text = document.text(*about, place + "/about");
      if (!text) continue;
      parameter.about = *std::move(text);
    }
    if (const Json* unit = one.find("unit"); unit && !read_unit(document, parameter, *unit, place + "/unit"))
      continue;
    if (read_rest(document, parameter, one, place)) out.push_back(std::move(parameter));
  }
  return out;
}

}  // namespace headgate::pipeline
