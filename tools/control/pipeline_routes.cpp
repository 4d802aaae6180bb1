// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pipeline_routes.h"

#include <base/json_line.h>
#include <pipeline/folder.h>

namespace headgate::control {
namespace {

using pipeline::Description;
using pipeline::Parameter;

constexpr char kRemedy[] =
    "headgate pipeline check FOLDER tells file, line and key; wrong files are not used";

std::string summary_json(const Description& one, const std::string& used) {
  return JsonLine()
      .field("name", one.name())
      .field("about", one.about())
      .field("trigger", pipeline::trigger_name(one.trigger()))
      .field("runs_sessions", one.name() == used)
      .take();
}

void optional_text(JsonLine& line, const char* name, const std::optional<std::string>& text) {
  text ? line.field(name, *text) : line.raw(name, "null");
}

std::string parameter_json(const Parameter& one) {
  JsonLine line;
  line.field("name", one.name).field("type", pipeline::type_name(one.type)).field("about", one.about);
  line.field("unit", one.unit);
  optional_text(line, "default", one.preset);
  optional_text(line, "min", one.least);
  optional_text(line, "max", one.most);
  std::string values = "[";
  for (const auto& [value, filled] : one.values)
    values += (values.size() > 1 ? "," : "") + JsonLine::quoted(value);
  return line.raw("values", values + "]").take();
}

std::string whole_json(const Description& one, const std::string& used) {
  std::string parameters = "[", fragments = "[", elements = "[";
  for (const Parameter& parameter : one.parameters())
    parameters += (parameters.size() > 1 ? "," : "") + parameter_json(parameter);
  for (const std::string& fragment : one.fragments())
    fragments += (fragments.size() > 1 ? "," : "") + JsonLine::quoted(fragment);
  if (const auto lines = one.lines({}, Description::Missing::kept))
    for (const auto& line : *lines)
      elements += (elements.size() > 1 ? "," : "") + JsonLine::quoted(line.text);
  return JsonLine()
      .field("name", one.name())
      .field("about", one.about())
      .field("trigger", pipeline::trigger_name(one.trigger()))
      .field("runs_sessions", one.name() == used)
      .field("streams_per_worker", one.streams_per_worker())
      .raw("parameters", parameters + "]")
      .raw("fragments", fragments + "]")
      .raw("elements", elements + "]")
      .take();
}

}  // namespace

void add_pipeline_routes(Routes& routes, const std::string& folder, const std::string& used) {
  routes.add({"GET", "/api/v1/pipelines", Right::reads, [=](const ExchangePtr& exchange) {
                const auto all = pipeline::load_folder(folder);
                if (!all) return exchange->fail(503, all.error().message, kRemedy);
                std::string out = "[";
                for (const Description& one : *all)
                  out += (out.size() > 1 ? "," : "") + summary_json(one, used);
                exchange->send(200, JsonLine().raw("pipelines", out + "]").take());
              }});
  routes.add({"GET", "/api/v1/pipelines/{name}", Right::reads, [=](const ExchangePtr& exchange) {
                const auto all = pipeline::load_folder(folder);
                if (!all) return exchange->fail(503, all.error().message, kRemedy);
                for (const Description& one : *all)
                  if (one.name() == exchange->parts[0]) return exchange->send(200, whole_json(one, used));
                exchange->fail(404, "there is no such description", "GET /api/v1/pipelines lists them");
              }});
}

}  // namespace headgate::control
