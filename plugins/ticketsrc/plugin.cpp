// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gstticketsrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  return GST_ELEMENT_REGISTER(ticketsrc, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, ticketsrc,
                  "Live source that admits publishers who hold a ticket", plugin_init, HEADGATE_VERSION,
                  "LGPL", "Headgate", "Unknown package origin")
