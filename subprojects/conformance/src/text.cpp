// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <cstdio>

namespace headgate::conformance {

std::string seconds_text(Micros time) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3f s", static_cast<double>(time) / kSecond);
  return text;
}

std::string of_segment(const Segment& segment) {
  return "segment " + std::to_string(segment.msn);
}

}  // namespace headgate::conformance
