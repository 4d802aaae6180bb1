// SPDX-License-Identifier: LGPL-2.1-or-later
// The thresholds of docs/health.md as properties of an element: one table.
#pragma once

#include <glib-object.h>

#include "probe.h"

namespace headgate::healthprobe {

// Properties with ids from `first_id` on.
void install_thresholds(GObjectClass* klass, guint first_id);
// The one with this id, counted from 0. False: there is no such.
bool set_threshold(ProbeSettings& settings, guint index, const GValue* value);
bool get_threshold(const ProbeSettings& settings, guint index, GValue* value);

}  // namespace headgate::healthprobe
