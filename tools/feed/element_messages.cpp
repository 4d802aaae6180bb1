// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/element_messages.h>

namespace headgate::tools {

std::optional<ByteVector> records_in(const GstStructure* message) {
  const GValue* value = gst_structure_get_value(message, "records");
  if (!value || !G_VALUE_HOLDS(value, G_TYPE_BYTES)) return std::nullopt;
  auto* bytes = static_cast<GBytes*>(g_value_get_boxed(value));
  gsize size = 0;
  auto* data = static_cast<const std::byte*>(g_bytes_get_data(bytes, &size));
  return ByteVector(data, data + size);
}

std::string text_in(const GstStructure* message, const char* field) {
  const char* text = gst_structure_get_string(message, field);
  return text ? text : "";
}

LadderNews ladder_news(const GstStructure* message) {
  return {text_in(message, "rendition"), text_in(message, "state"), text_in(message, "reason"),
          text_in(message, "cause")};
}

uint32_t frame_rate_milli(const GstStructure* health) {
  const GValue* streams = gst_structure_get_value(health, "streams");
  guint size = streams && GST_VALUE_HOLDS_ARRAY(streams) ? gst_value_array_get_size(streams) : 0;
  for (guint i = 0; i < size; ++i) {
    const GValue* value = gst_value_array_get_value(streams, i);
    const GstStructure* stream = GST_VALUE_HOLDS_STRUCTURE(value) ? gst_value_get_structure(value) : nullptr;
    double rate = 0;
    if (!stream || text_in(stream, "kind") != "video" || !gst_structure_get_double(stream, "rate", &rate))
      continue;
    return rate > 0 && rate < 100'000 ? static_cast<uint32_t>(rate * 1000 + 0.5) : 0;
  }
  return 0;
}

}  // namespace headgate::tools
