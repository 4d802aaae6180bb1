// SPDX-License-Identifier: LGPL-2.1-or-later
// Mistakes that GStreamer builds all the same: they would show when the pipeline runs.
#pragma once

#include <gst/gst.h>
#include <pipeline/graph.h>

#include <optional>
#include <string>

namespace headgate::pipeline {

// The first element that has a sink pad always, and no link to it: a ! that is missing, mostly.
std::optional<size_t> unfed_element(const Graph& graph);
// What is wrong with a ladder's "rungs" of any element; empty: nothing is.
std::string wrong_rungs(GstElement* pipeline);

}  // namespace headgate::pipeline
