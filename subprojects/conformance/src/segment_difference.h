// SPDX-License-Identifier: LGPL-2.1-or-later
// What two readings say of the same segment.
#pragma once

#include <conformance/m3u8.h>

namespace headgate::conformance {

void compare_segments(const Segment& before, const Segment& now, Findings& findings);
// By index; `now` may have lost all of them, or gained some at the end.
void compare_parts(const Segment& before, const Segment& now, Findings& findings);

}  // namespace headgate::conformance
