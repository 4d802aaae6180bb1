// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/rungs.h>
#include <pipeline/gst_each.h>
#include <pipeline/mistakes.h>

#include <algorithm>

namespace headgate::pipeline {
namespace {

constexpr char kRungs[] = "rungs";

bool always_has_a_sink(const std::string& factory_name) {
  GstElementFactory* factory = gst_element_factory_find(factory_name.c_str());
  if (!factory) return false;
  bool found = false;
  for (const GList* at = gst_element_factory_get_static_pad_templates(factory); at; at = at->next) {
    const auto* one = static_cast<const GstStaticPadTemplate*>(at->data);
    found = found || (one->direction == GST_PAD_SINK && one->presence == GST_PAD_ALWAYS);
  }
  gst_object_unref(factory);
  return found;
}

}  // namespace

std::optional<size_t> unfed_element(const Graph& graph) {
  for (size_t i = 0; i < graph.elements.size(); ++i) {
    const bool fed = std::any_of(graph.links.begin(), graph.links.end(),
                                 [i](const Graph::Link& link) { return link.to == i; });
    if (!fed && always_has_a_sink(graph.elements[i].factory)) return i;
  }
  return std::nullopt;
}

std::string wrong_rungs(GstElement* pipeline) {
  std::string out;
  each(gst_bin_iterate_recurse(GST_BIN(pipeline)), [&out](gpointer element) {
    const GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element), kRungs);
    if (!spec || spec->value_type != G_TYPE_STRING) return;
    gchar* text = nullptr;
    g_object_get(element, kRungs, &text, nullptr);
    if (const auto rungs = ladder::parse_rungs(text ? text : ""); !rungs)
      out = std::string(kRungs) + ": " + rungs.error().message;
    g_free(text);
  });
  return out;
}

}  // namespace headgate::pipeline
