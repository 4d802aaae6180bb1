// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus.h"

#include <cerrno>

#include <base/bytes.h>

#include "common/names.h"
#include "common/ref.h"

GST_DEBUG_CATEGORY_EXTERN(abr_hls_sink_debug);
#define GST_CAT_DEFAULT abr_hls_sink_debug

namespace headgate::abrhlssink {

void post_records(GstElement* element, const std::string& rendition,
                  const std::vector<playlist::Record>& records) {
  if (records.empty()) return;
  ByteVector all;
  ByteWriter writer(all);
  for (const playlist::Record& record : records) {
    ByteVector encoded;
    playlist::encode(record, encoded);
    writer.u32(encoded.size());
    writer.bytes(encoded);
  }
  const gst::BytesPtr bytes(g_bytes_new(all.data(), all.size()));
  GstStructure* fields = gst_structure_new(gst::kRecordsName, "records", G_TYPE_BYTES, bytes.get(), nullptr);
  if (!rendition.empty()) gst_structure_set(fields, "rendition", G_TYPE_STRING, rendition.c_str(), nullptr);
  gst_element_post_message(element, gst_message_new_element(GST_OBJECT_CAST(element), fields));
}

void warn(GstElement* element, const Error& error) {
  if (error.code == ENOSPC)
    GST_ELEMENT_WARNING(element, RESOURCE, NO_SPACE_LEFT,
                        ("No space left for HLS. Make space; writing goes on by itself."),
                        ("%s", error.message.c_str()));
  else
    GST_ELEMENT_WARNING(element, RESOURCE, WRITE, ("%s", error.message.c_str()), (nullptr));
}

}  // namespace headgate::abrhlssink
