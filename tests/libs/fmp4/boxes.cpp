// SPDX-License-Identifier: LGPL-2.1-or-later
#include "boxes.h"

#include <set>

namespace headgate::test {
namespace {

void walk(Bytes bytes, size_t offset, const std::string& prefix, std::vector<FoundBox>& found) {
  static const std::set<std::string> kContainers{"moov", "trak", "mdia", "minf", "dinf",
                                                 "stbl", "mvex", "moof", "traf"};
  for (size_t at = 0; at < bytes.size();) {
    ByteReader reader(bytes.subspan(at));
    const size_t size = reader.u32();
    const std::string type(as_text(reader.bytes(4)));
    if (!reader.ok() || size < 8 || size > bytes.size() - at) {
      found.push_back({prefix + "!", {}, offset + at});
      return;
    }
    const Bytes body = bytes.subspan(at + 8, size - 8);
    found.push_back({prefix + type, body, offset + at});
    if (kContainers.contains(type)) walk(body, offset + at + 8, prefix + type + "/", found);
    at += size;
  }
}

}  // namespace

std::vector<FoundBox> walk_boxes(Bytes bytes) {
  std::vector<FoundBox> found;
  walk(bytes, 0, "", found);
  return found;
}

std::string paths(Bytes bytes) {
  std::string text;
  for (const FoundBox& box : walk_boxes(bytes)) text += box.path + "\n";
  return text;
}

FoundBox box_at(Bytes bytes, const std::string& path) {
  for (const FoundBox& box : walk_boxes(bytes))
    if (box.path == path) return box;
  return {};
}

}  // namespace headgate::test
