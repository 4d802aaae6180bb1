// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_HEALTH_PROBE (gst_health_probe_get_type())
G_DECLARE_FINAL_TYPE(GstHealthProbe, gst_health_probe, GST, HEALTH_PROBE, GstElement)
GST_ELEMENT_REGISTER_DECLARE(healthprobe)

G_END_DECLS
