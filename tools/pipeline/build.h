// SPDX-License-Identifier: LGPL-2.1-or-later
// A description as a GStreamer pipeline. Errors have the place of the line that is wrong, and what to do.
#pragma once

#include <gst/gst.h>
#include <pipeline/description.h>

#include <memory>
#include <string>

#include <base/result.h>

namespace headgate::pipeline {

inline constexpr char kSourceName[] = "source";  // the element that takes a session's connection

struct ObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
using PipelinePtr = std::unique_ptr<GstElement, ObjectUnref>;

// Where the elements are looked for: where GStreamer looks, then tools::plugin_folders(). After gst_init().
void find_plugins();

// A pipeline that has not been started, with the description's health thresholds. One with the trigger ticket
// is checked to have a source that takes a session.
Result<PipelinePtr> build(const Description& description, const Values& values);

}  // namespace headgate::pipeline
