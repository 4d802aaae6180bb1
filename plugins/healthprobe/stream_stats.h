// SPDX-License-Identifier: LGPL-2.1-or-later
// Measures as fields of a structure (docs/health.md).
#pragma once

#include <gst/gst.h>

#include <string>

#include "stream_health.h"

namespace headgate::healthprobe {

// Of one stream; owned by the caller.
GstStructure* stream_stats(const char* pad, const std::string& kind, const StreamHealth& health, int64_t now);
// Of sound and picture, into what is of all streams together.
void describe_drift(GstStructure* stats, const Drift& drift, int64_t now);

}  // namespace headgate::healthprobe
