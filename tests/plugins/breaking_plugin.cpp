// SPDX-License-Identifier: LGPL-2.1-or-later
// A plugin with x264enc under the name of an encoder that no machine of ours has. One of them fails where it
// should give a picture, when the file is there that HEADGATE_BREAK_ENCODER names; that is deleted then, so
// that it is one.
#include <gst/gst.h>
#include <unistd.h>

#include <cstdlib>

namespace {

enum { kBitrate = 1 };

void set_property(GObject* object, guint id, const GValue* value, GParamSpec* spec) {
  if (id != kBitrate) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    return;
  }
  GstElement* const encoder = gst_bin_get_by_name(GST_BIN(object), "encoder");
  g_object_set(encoder, "bitrate", g_value_get_uint(value), nullptr);
  gst_object_unref(encoder);
}

GstPadProbeReturn on_picture(GstPad* pad, GstPadProbeInfo* info, gpointer) {
  const char* const path = std::getenv("HEADGATE_BREAK_ENCODER");
  if (!path || ::unlink(path) != 0) return GST_PAD_PROBE_OK;
  GstElement* const encoder = gst_pad_get_parent_element(pad);
  GST_ELEMENT_ERROR(encoder, STREAM, ENCODE, ("It was told to fail."), (nullptr));
  gst_object_unref(encoder);
  gst_buffer_unref(GST_PAD_PROBE_INFO_BUFFER(info));
  GST_PAD_PROBE_INFO_DATA(info) = nullptr;
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

void add_ghost(GstElement* bin, GstElement* of, const char* name) {
  GstPad* const pad = gst_element_get_static_pad(of, name);
  gst_element_add_pad(bin, gst_ghost_pad_new(name, pad));
  gst_object_unref(pad);
}

void init(GTypeInstance* instance, gpointer) {
  GstElement* const encoder = gst_element_factory_make("x264enc", "encoder");
  gst_util_set_object_arg(G_OBJECT(encoder), "speed-preset", "veryfast");
  g_object_set(encoder, "key-int-max", 36000, "vbv-buf-capacity", 1000, "option-string", "scenecut=0",
               nullptr);
  gst_bin_add(GST_BIN(instance), encoder);
  GstPad* const out = gst_element_get_static_pad(encoder, "src");
  gst_pad_add_probe(out, GST_PAD_PROBE_TYPE_BUFFER, on_picture, nullptr, nullptr);
  gst_object_unref(out);
  add_ghost(GST_ELEMENT(instance), encoder, "sink");
  add_ghost(GST_ELEMENT(instance), encoder, "src");
}

void class_init(gpointer klass, gpointer) {
  G_OBJECT_CLASS(klass)->set_property = set_property;
  g_object_class_install_property(
      G_OBJECT_CLASS(klass), kBitrate,
      g_param_spec_uint("bitrate", "Bit rate", "kbit/s", 1, 1'000'000, 2048,
                        static_cast<GParamFlags>(G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS)));
  gst_element_class_set_static_metadata(GST_ELEMENT_CLASS(klass), "Breaking encoder", "Codec/Encoder/Video",
                                        "Fails when it is told to", "Headgate developers");
}

gboolean plugin_init(GstPlugin* plugin) {
  const GType type =
      g_type_register_static_simple(GST_TYPE_BIN, "HeadgateToldEncoder", sizeof(GstBinClass), class_init,
                                    sizeof(GstBin), init, static_cast<GTypeFlags>(0));
  return gst_element_register(plugin, "nvh264enc", GST_RANK_NONE, type);
}

}  // namespace

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, headgatebreaking,
                  "An encoder that fails when it is told to", plugin_init, HEADGATE_VERSION, "LGPL", PACKAGE,
                  "https://example.com/")
