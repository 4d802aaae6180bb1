// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/structure_json.h>

#include <base/json_line.h>

namespace headgate::tools {
namespace {

std::string value_json(const GValue* value);

std::string list_json(const GValue* list, guint size, const GValue* (*at)(const GValue*, guint)) {
  std::string out = "[";
  for (guint i = 0; i < size; ++i) out += (i ? "," : "") + value_json(at(list, i));
  return out + "]";
}

std::string number_json(double number) {
  std::string object = JsonLine().field("v", number).take();  // {"v":NUMBER}
  return object.substr(5, object.size() - 6);
}

std::string value_json(const GValue* value) {
  GType type = G_VALUE_TYPE(value);
  if (type == G_TYPE_BOOLEAN) return g_value_get_boolean(value) ? "true" : "false";
  if (type == G_TYPE_INT) return std::to_string(g_value_get_int(value));
  if (type == G_TYPE_UINT) return std::to_string(g_value_get_uint(value));
  if (type == G_TYPE_INT64) return std::to_string(g_value_get_int64(value));
  if (type == G_TYPE_UINT64) return std::to_string(g_value_get_uint64(value));
  if (type == G_TYPE_DOUBLE) return number_json(g_value_get_double(value));
  if (type == G_TYPE_FLOAT) return number_json(g_value_get_float(value));
  if (type == G_TYPE_STRING) {
    const char* text = g_value_get_string(value);
    return text ? JsonLine::quoted(text) : "null";
  }
  if (type == GST_TYPE_STRUCTURE) {
    const GstStructure* inner = gst_value_get_structure(value);
    return inner ? structure_json(inner) : "null";
  }
  if (type == GST_TYPE_LIST)
    return list_json(value, gst_value_list_get_size(value), gst_value_list_get_value);
  if (type == GST_TYPE_ARRAY)
    return list_json(value, gst_value_array_get_size(value), gst_value_array_get_value);
  gchar* text = gst_value_serialize(value);
  std::string out = text ? JsonLine::quoted(text) : "null";
  g_free(text);
  return out;
}

gboolean append_field(GQuark field, const GValue* value, gpointer line) {
  static_cast<JsonLine*>(line)->raw(g_quark_to_string(field), value_json(value));
  return TRUE;
}

}  // namespace

std::string structure_json(const GstStructure* structure) {
  JsonLine line;
  gst_structure_foreach(structure, append_field, &line);
  return line.take();
}

}  // namespace headgate::tools
