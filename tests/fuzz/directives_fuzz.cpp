// SPDX-License-Identifier: LGPL-2.1-or-later
// Queries of playlist requests.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <playlist/directives.h>

using namespace headgate;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string query(reinterpret_cast<const char*>(data), size);
  const auto read = playlist::parse_directives(query);
  if (!read) {
    if (read.error().message.empty()) std::abort();
    return 0;
  }
  if (read->part && !read->msn) std::abort();
  // What was understood says the same when it is written again.
  std::string again;
  if (read->skip) again += "_HLS_skip=YES&";
  if (read->msn) again += "_HLS_msn=" + std::to_string(*read->msn) + "&";
  if (read->part) again += "_HLS_part=" + std::to_string(*read->part);
  const auto second = playlist::parse_directives(again);
  if (!second || second->msn != read->msn || second->part != read->part || second->skip != read->skip)
    std::abort();
  const playlist::StreamIndex empty;
  if (read->msn && playlist::has(empty, *read->msn, read->part)) std::abort();
  return 0;
}
