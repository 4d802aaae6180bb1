// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers in findings.
#pragma once

#include <string>

#include <conformance/m3u8.h>

namespace headgate::conformance {

std::string seconds_text(Micros time);           // "2.004 s"
std::string of_segment(const Segment& segment);  // "segment 42"
inline Micros distance(Micros a, Micros b) {
  return a > b ? a - b : b - a;
}

}  // namespace headgate::conformance
