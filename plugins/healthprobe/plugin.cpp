// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gsthealthprobe.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(healthprobe, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, healthprobe,
                  "Measures of live streams that pass through", plugin_init, HEADGATE_VERSION, "LGPL",
                  "Headgate", "Unknown package origin")
