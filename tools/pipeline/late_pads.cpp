// SPDX-License-Identifier: LGPL-2.1-or-later
#include <pipeline/late_pads.h>

#include <memory>

namespace headgate::pipeline {
namespace {

struct Unref {
  void operator()(gpointer object) const { gst_object_unref(object); }
};

// "video_%u" -> "video_*": what GStreamer fills in is a number or a text.
std::string pattern_of(const char* name_template) {
  std::string out;
  for (const char* at = name_template; *at; ++at) {
    const bool filled_in = *at == '%' && at[1];
    if (filled_in) ++at;
    out += filled_in ? '*' : *at;
  }
  return out;
}

// A source pad that the element has, or that one of its templates allows.
bool may_have(GstElement* element, const std::string& pad) {
  if (std::unique_ptr<GstPad, Unref>(gst_element_get_static_pad(element, pad.c_str()))) return true;
  for (GList* at = gst_element_get_pad_template_list(element); at; at = at->next) {
    auto* one = GST_PAD_TEMPLATE(at->data);
    if (GST_PAD_TEMPLATE_DIRECTION(one) == GST_PAD_SRC &&
        g_pattern_match_simple(pattern_of(GST_PAD_TEMPLATE_NAME_TEMPLATE(one)).c_str(), pad.c_str()))
      return true;
  }
  return false;
}

// Blocked, not disconnected: gst_parse does that itself, by the handler's number, once the pad has come.
void block_complaints(GstElement* element) {
  const guint signal = g_signal_lookup("no-more-pads", GST_TYPE_ELEMENT);
  constexpr auto kMatch = static_cast<GSignalMatchType>(G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_UNBLOCKED);
  while (const gulong handler = g_signal_handler_find(element, kMatch, signal, 0, nullptr, nullptr, nullptr))
    g_signal_handler_block(element, handler);
}

}  // namespace

std::string expect_late_pads(GstElement* pipeline, const Graph& graph) {
  for (const Graph::Link& link : graph.links) {
    const std::unique_ptr<GstElement, Unref> from(
        gst_bin_get_by_name(GST_BIN(pipeline), graph.elements[link.from].name.c_str()));
    if (!from) continue;  // without a name in the line: it is known by one that GStreamer gave it
    if (!link.from_pad.empty() && !may_have(from.get(), link.from_pad))
      return "\"" + graph.elements[link.from].name + "\" has no pad " + link.from_pad;
    block_complaints(from.get());
  }
  return {};
}

}  // namespace headgate::pipeline
