// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_ABR_HLS_SINK (gst_abr_hls_sink_get_type())
G_DECLARE_FINAL_TYPE(GstAbrHlsSink, gst_abr_hls_sink, GST, ABR_HLS_SINK, GstElement)
GST_ELEMENT_REGISTER_DECLARE(abrhlssink)

G_END_DECLS
