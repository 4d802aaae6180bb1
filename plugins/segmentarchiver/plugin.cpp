// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstsegmentarchiver.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(segmentarchiver, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, segmentarchiver,
                  "Evidential archive of live streams whose files are the HLS segments", plugin_init,
                  HEADGATE_VERSION, "LGPL", "Headgate", "Unknown package origin")
