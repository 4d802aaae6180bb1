// SPDX-License-Identifier: LGPL-2.1-or-later
// A plugin with an element that passes on what it gets, and does not survive what is marked:
// "headgate-poison" in a buffer ends the process as a wild pointer does, "headgate-spin" is never finished
// with, "headgate-leak" costs memory that nobody gives back.
#include <gst/gst.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string_view>
#include <vector>

namespace {

constexpr std::string_view kPoison = "headgate-poison", kSpin = "headgate-spin", kLeak = "headgate-leak";
constexpr size_t kLeakedBytes = 64 << 20;

bool has(GstBuffer* buffer, std::string_view mark) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return false;
  const bool found =
      std::search(map.data, map.data + map.size, mark.begin(), mark.end()) != map.data + map.size;
  gst_buffer_unmap(buffer, &map);
  return found;
}

gboolean taste(GstBuffer** buffer, guint, gpointer) {
  if (has(*buffer, kPoison)) raise(SIGSEGV);
  if (has(*buffer, kSpin))
    for (volatile bool forever = true; forever;) {
    }
  if (has(*buffer, kLeak)) {
    static std::vector<std::unique_ptr<char[]>> leaked;
    leaked.push_back(std::make_unique<char[]>(kLeakedBytes));  // all zeros, which are written
  }
  return TRUE;
}

GstPadProbeReturn on_data(GstPad*, GstPadProbeInfo* info, gpointer) {
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    gst_buffer_list_foreach(GST_PAD_PROBE_INFO_BUFFER_LIST(info), taste, nullptr);
  } else {
    GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    taste(&buffer, 0, nullptr);
  }
  return GST_PAD_PROBE_OK;
}

void init(GTypeInstance* instance, gpointer) {
  GstElement* const passes = gst_element_factory_make("identity", nullptr);
  gst_bin_add(GST_BIN(instance), passes);
  for (const char* name : {"sink", "src"}) {
    GstPad* const pad = gst_element_get_static_pad(passes, name);
    if (*name == 's' && name[1] == 'i')
      gst_pad_add_probe(
          pad, static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST),
          on_data, nullptr, nullptr);
    gst_element_add_pad(GST_ELEMENT(instance), gst_ghost_pad_new(name, pad));
    gst_object_unref(pad);
  }
}

void class_init(gpointer klass, gpointer) {
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Poison taster", "Filter",
                                        "Does not survive what is marked", "Headgate developers");
}

gboolean plugin_init(GstPlugin* plugin) {
  const GType type =
      g_type_register_static_simple(GST_TYPE_BIN, "HeadgatePoisonTaster", sizeof(GstBinClass), class_init,
                                    sizeof(GstBin), init, static_cast<GTypeFlags>(0));
  return gst_element_register(plugin, "poisontaster", GST_RANK_NONE, type);
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, headgatepoison, "Does not survive what is marked",
                  plugin_init, HEADGATE_VERSION, "LGPL", PACKAGE, "https://example.com/")
