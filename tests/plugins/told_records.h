// SPDX-License-Identifier: LGPL-2.1-or-later
// What an element has told by `headgate-records` messages.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include <base/bytes.h>
#include <playlist/record.h>

#include "plugin_test.h"

namespace headgate::test {

// The records of one rendition (none: the source's) that messages carry, in order.
inline std::vector<playlist::Record> records_of(Pipeline& pipeline, const std::string& rendition) {
  std::vector<playlist::Record> records;
  pipeline.count([&](GstMessage* message) {
    if (!gst_message_has_name(message, "headgate-records")) return false;
    if (text_field(message, "rendition") != rendition) return false;
    const GValue* value = gst_structure_get_value(gst_message_get_structure(message), "records");
    gsize size = 0;
    const auto* data = static_cast<const std::byte*>(
        g_bytes_get_data(static_cast<GBytes*>(g_value_get_boxed(value)), &size));
    ByteReader reader({data, size});
    while (reader.remaining()) {
      const uint32_t length = reader.u32();
      auto record = playlist::decode(reader.bytes(length));
      EXPECT_TRUE(record);
      if (record) records.push_back(*record);
    }
    EXPECT_TRUE(reader.ok());
    return true;
  });
  return records;
}

template <typename T>
std::vector<T> only(const std::vector<playlist::Record>& records) {
  std::vector<T> out;
  for (const playlist::Record& record : records)
    if (const auto* one = std::get_if<T>(&record)) out.push_back(*one);
  return out;
}

}  // namespace headgate::test
