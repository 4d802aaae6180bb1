// SPDX-License-Identifier: LGPL-2.1-or-later
// What the element tells its application.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include <base/result.h>
#include <playlist/record.h>

namespace headgate::abrhlssink {

// An element message with the records of one call; `rendition` empty: the source's. None: no message.
void post_records(GstElement* element, const std::string& rendition,
                  const std::vector<playlist::Record>& records);
// An element warning.
void warn(GstElement* element, const Error& error);

}  // namespace headgate::abrhlssink
