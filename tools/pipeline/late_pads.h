// SPDX-License-Identifier: LGPL-2.1-or-later
// Pads that come when the media is known, or do not: a publisher without sound has no audio_0.
#pragma once

#include <gst/gst.h>
#include <pipeline/graph.h>

#include <string>

namespace headgate::pipeline {

// Of a pipeline that gst_parse has made of this line, not yet started. A link to a pad of presence
// "sometimes" is made when the pad comes; that it has not come is no fault, and is not complained about any
// more (gst_parse does once its element has no more pads). Since it would be silent about a name that no pad
// can have as well, that is found here: the error, else empty.
std::string expect_late_pads(GstElement* pipeline, const Graph& graph);

}  // namespace headgate::pipeline
