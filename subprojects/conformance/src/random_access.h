// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <conformance/fragments.h>

namespace headgate::conformance {

// Whether a sample of length-prefixed NAL units is an IDR picture (H.264), or an IRAP (H.265). Absent: no
// slice.
std::optional<bool> begins_random_access(const MediaTrack& track, Bytes sample);

}  // namespace headgate::conformance
