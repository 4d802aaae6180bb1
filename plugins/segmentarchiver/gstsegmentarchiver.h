// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SEGMENT_ARCHIVER (gst_segment_archiver_get_type())
G_DECLARE_FINAL_TYPE(GstSegmentArchiver, gst_segment_archiver, GST, SEGMENT_ARCHIVER, GstElement)
GST_ELEMENT_REGISTER_DECLARE(segmentarchiver)

G_END_DECLS
