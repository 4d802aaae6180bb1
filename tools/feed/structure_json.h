// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <string>

namespace headgate::tools {

// A structure's fields as a JSON object: numbers, booleans, texts, structures and lists as such, everything
// else as GStreamer writes it.
std::string structure_json(const GstStructure* structure);

}  // namespace headgate::tools
