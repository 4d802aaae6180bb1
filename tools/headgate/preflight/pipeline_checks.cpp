// SPDX-License-Identifier: LGPL-2.1-or-later
// What sessions will run: the descriptions, and the elements that they name. headgate-pipeline looks, this
// program does not load GStreamer.
#include <base/json.h>
#include <pipeline/folder.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "../serve/descriptions.h"
#include "checks.h"
#include "ladder_cost.h"
#include "pipeline_tool.h"

namespace headgate::preflight {

Outcome check_elements(Context& context) {
  context.progress("looking for elements");
  auto program = pipeline_tool(
      context, {"elements", "--json", "--pipelines", context.config.pipelines, context.config.pipeline},
      set_options(context.config.parameters));
  if (!program) return Outcome().fail(program.error().message, "is the package whole? (dpkg -V headgate)");
  Outcome out;
  const Json json = Json::object_of(program->output());
  // A description that cannot be read has no elements to look for: that is `pipelines`' to tell.
  if (!json.is_object()) return Outcome::skip("the description cannot be read (see pipelines)");
  size_t elements = 0;
  std::string versions;
  json.each("elements", [&](const Json& one) {
    ++elements;
    const std::string name = one.text("name"), plugin = one.text("plugin");
    if (plugin.empty()) {
      out.fail("there is no element " + name + ": " + one.text("why"),
               "install the package that has it (gst-inspect-1.0 " + name +
                   " tells when it is there), or set "
                   "GST_PLUGIN_PATH");
      return;
    }
    const std::string version = plugin + " " + one.text("version");
    if (versions.find(version) == std::string::npos) versions += (versions.empty() ? "" : ", ") + version;
  });
  json.each("decoders", [&](const Json& one) { context.decoders.insert(one.text("codec")); });
  out.measured = std::to_string(elements) + " of " + context.config.pipeline + ": " + versions;
  return out;
}

Outcome check_pipelines(Context& context) {
  context.progress("building pipelines");
  const serve::Config& config = context.config;
  std::string mend = "correct that place of the file (docs/pipelines.md)";
  const std::string kept = serve::kept_descriptions(config.data);
  std::error_code error;
  mend += std::filesystem::is_directory(kept, error)
              ? "; until then a node that is started takes the last good ones, " + kept
              : "; a node does not start with it";
  Outcome out;
  out.measured = config.pipeline + " of " + config.pipelines;
  auto all = pipeline_tool(context, {"check", "--pipelines", config.pipelines});
  if (!all) return out.fail(all.error().message, "is the package whole? (dpkg -V headgate)");
  if (all->code() != 0) tell_faults(*all, "", mend.c_str(), out);
  auto file = pipeline::find_file(config.pipelines, config.pipeline);
  if (!file) return out.fail(file.error().message, "--pipeline names one of `headgate pipeline list`");
  auto description = pipeline::Description::load(*file);
  if (!description) return out;  // told above
  context.ladder = !value_of(*description, config.parameters, "rungs").empty() ||
                   !value_of(*description, config.parameters, "offered-rungs").empty();
  if (description->trigger() != pipeline::Trigger::ticket)
    out.fail(config.pipeline + " takes no sessions: its trigger is " +
                 pipeline::trigger_name(description->trigger()),
             "--pipeline names one with the trigger ticket");
  if (config.parameters.empty() || !out.findings.empty()) return out;
  auto own = pipeline_tool(context, {"check", "--pipelines", config.pipelines, *file},
                           set_options(config.parameters));
  if (!own) return out.fail(own.error().message, "try it by hand: headgate pipeline check");
  if (own->code() != 0) tell_faults(*own, "", "correct --set, or [parameters] of the settings", out);
  return out;
}

}  // namespace headgate::preflight
