// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_TICKET_SRC (gst_ticket_src_get_type())
G_DECLARE_FINAL_TYPE(GstTicketSrc, gst_ticket_src, GST, TICKET_SRC, GstElement)
GST_ELEMENT_REGISTER_DECLARE(ticketsrc)

G_END_DECLS
