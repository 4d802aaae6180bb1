// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstabrhlssink.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(abrhlssink, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, abrhlssink, "HLS of live streams in CMAF segments",
                  plugin_init, HEADGATE_VERSION, "LGPL", "Headgate", "Unknown package origin")
