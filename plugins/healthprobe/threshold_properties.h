// SPDX-License-Identifier: LGPL-2.1-or-later
// The thresholds of docs/health.md as properties of an element: one table.
#pragma once

#include <glib-object.h>

#include "thresholds.h"

namespace headgate::healthprobe {

// Properties with ids from `first_id` on.
void install_thresholds(GObjectClass* klass, guint first_id);
// The one with this id, counted from 0; null: there is no such.
int64_t* threshold_of(Thresholds& thresholds, guint index);

}  // namespace headgate::healthprobe
