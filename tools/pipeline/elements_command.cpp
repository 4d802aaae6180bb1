// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <pipeline/build.h>
#include <pipeline/commands.h>
#include <pipeline/graph.h>

#include <cstdio>
#include <memory>
#include <set>

#include <base/json_line.h>

namespace headgate::pipeline {
namespace {

struct FactoryUnref {
  void operator()(gpointer factory) const { gst_object_unref(factory); }
};
using FactoryPtr = std::unique_ptr<GstElementFactory, FactoryUnref>;

// Where an element comes from; without it, why it is not there.
struct Origin {
  std::string name, plugin, version, why;
};

Origin origin_of(const std::string& name) {
  Origin out{name, "", "", ""};
  FactoryPtr factory(gst_element_factory_find(name.c_str()));
  if (!factory) {
    out.why = "no plugin that GStreamer knows has it";
    return out;
  }
  // What the registry knows may be gone, or not load.
  std::unique_ptr<GstPluginFeature, FactoryUnref> loaded(
      gst_plugin_feature_load(GST_PLUGIN_FEATURE(factory.get())));
  std::unique_ptr<GstPlugin, FactoryUnref> plugin(loaded ? gst_plugin_feature_get_plugin(loaded.get())
                                                         : nullptr);
  if (!plugin) {
    out.why = "its plugin does not load";
    return out;
  }
  out.plugin = gst_plugin_get_name(plugin.get());
  out.version = gst_plugin_get_version(plugin.get());
  return out;
}

// Of the codecs that tickets name, those that some element here decodes.
std::vector<std::string> decoded_codecs() {
  constexpr struct {
    const char *name, *caps;
  } kCodecs[] = {{"H.264", "video/x-h264"},
                 {"H.265", "video/x-h265"},
                 {"AV1", "video/x-av1"},
                 {"AAC", "audio/mpeg,mpegversion=4"},
                 {"Opus", "audio/x-opus"}};
  std::vector<std::string> out;
  GList* decoders =
      gst_element_factory_list_get_elements(GST_ELEMENT_FACTORY_TYPE_DECODER, GST_RANK_MARGINAL);
  for (const auto& codec : kCodecs) {
    GstCaps* caps = gst_caps_from_string(codec.caps);
    GList* fitting = gst_element_factory_list_filter(decoders, caps, GST_PAD_SINK, FALSE);
    if (fitting) out.emplace_back(codec.name);
    gst_plugin_feature_list_free(fitting);
    gst_caps_unref(caps);
  }
  gst_plugin_feature_list_free(decoders);
  return out;
}

void print_json(const std::vector<Origin>& origins) {
  std::string elements = "[", decoders = "[";
  for (const Origin& one : origins) {
    JsonLine line;
    line.field("name", one.name);
    if (one.why.empty())
      line.field("plugin", one.plugin).field("version", one.version);
    else
      line.field("why", one.why);
    elements += (elements.size() > 1 ? "," : "") + line.take();
  }
  for (const std::string& codec : decoded_codecs())
    decoders += (decoders.size() > 1 ? "," : "") + JsonLine().field("codec", codec).take();
  std::puts(JsonLine().raw("elements", elements + "]").raw("decoders", decoders + "]").take().c_str());
}

void print_table(const std::vector<Origin>& origins) {
  for (const Origin& one : origins)
    std::printf("%-20s %s\n", one.name.c_str(),
                one.why.empty() ? (one.plugin + " " + one.version).c_str() : ("missing: " + one.why).c_str());
}

}  // namespace

int run_elements(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool json = false;
  tools::Options options("NAME|FILE",
                         "Tells which plugin each element of a description comes from, and its version.",
                         "Exit code: 1 an element is missing, 2 the description cannot be read.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .arguments_from()
      .flag("json", json, "print one JSON object, which also says what can be decoded");
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  auto description = load_one(folder, *rest);
  if (!description) return tools::complain(2, argv[0], description.error().message);
  auto line = description->launch_line(with_samples(*description, *values));
  auto graph = line ? graph_of(*line) : Result<Graph>(Unexpected(line.error()));
  if (!graph) return tools::complain(2, argv[0], graph.error().message);
  gst_init(nullptr, nullptr);
  find_plugins();
  std::set<std::string> seen;
  std::vector<Origin> origins;
  int code = 0;
  for (const Graph::Element& element : graph->elements) {
    if (!seen.insert(element.factory).second) continue;
    origins.push_back(origin_of(element.factory));
    if (!origins.back().why.empty()) code = 1;
  }
  if (json)
    print_json(origins);
  else
    print_table(origins);
  return code;
}

}  // namespace headgate::pipeline
