// SPDX-License-Identifier: LGPL-2.1-or-later
// A box walker of the tests' own: what is written is not judged by the library's reader alone.
#pragma once

#include <string>
#include <vector>

#include <base/bytes.h>

namespace headgate::test {

struct FoundBox {
  std::string path;   // "moov/trak/tkhd"
  Bytes body;         // without the header
  size_t offset = 0;  // of the header in what was walked
};

// All boxes, containers before what is in them. A box that does not fit ends the walk with one named "!".
std::vector<FoundBox> walk_boxes(Bytes bytes);
// Their paths, one per line.
std::string paths(Bytes bytes);
// The first with that path; its body is empty when there is none.
FoundBox box_at(Bytes bytes, const std::string& path);

}  // namespace headgate::test
