// SPDX-License-Identifier: LGPL-2.1-or-later
// The `headgate-session` fields (docs/elements.md) as the store's RunInfo, and back.
#pragma once

#include <gst/gst.h>

#include <store/run_writer.h>

namespace headgate::gst {

store::RunInfo run_info_of(const GstStructure* structure);
// A new structure of this name. Transfer full.
// Of a headgate-timestamps event; without `pts`, which is where it stands among the frames.
store::ClockRepair clock_repair_of(const GstStructure* structure);
GstStructure* structure_of(const char* name, const store::RunInfo& info);

}  // namespace headgate::gst
