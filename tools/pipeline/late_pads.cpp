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

// A pad that the element has, or that one of its templates allows.
bool may_have(GstElement* element, const std::string& pad, GstPadDirection direction) {
  if (std::unique_ptr<GstPad, Unref>(gst_element_get_static_pad(element, pad.c_str()))) return true;
  for (GList* at = gst_element_get_pad_template_list(element); at; at = at->next) {
    auto* one = GST_PAD_TEMPLATE(at->data);
    if (GST_PAD_TEMPLATE_DIRECTION(one) == direction &&
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
  // None: without a name in the line, it is known by one that GStreamer gave it.
  const auto element = [&](size_t index) {
    return std::unique_ptr<GstElement, Unref>(
        gst_bin_get_by_name(GST_BIN(pipeline), graph.elements[index].name.c_str()));
  };
  const auto lacks = [&](size_t index, const std::string& pad, GstPadDirection direction) {
    const auto one = pad.empty() ? nullptr : element(index);
    return one && !may_have(one.get(), pad, direction)
               ? "\"" + graph.elements[index].name + "\" has no pad " + pad
               : "";
  };
  for (const Graph::Link& link : graph.links) {
    if (std::string fault = lacks(link.from, link.from_pad, GST_PAD_SRC); !fault.empty()) return fault;
    if (std::string fault = lacks(link.to, link.to_pad, GST_PAD_SINK); !fault.empty()) return fault;
    if (const auto from = element(link.from)) block_complaints(from.get());
  }
  return {};
}

}  // namespace headgate::pipeline
