// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define HEADGATE_TYPE_TICKET_SRC (headgate_ticket_src_get_type())
G_DECLARE_FINAL_TYPE(HeadgateTicketSrc, headgate_ticket_src, HEADGATE, TICKET_SRC, GstElement)
GST_ELEMENT_REGISTER_DECLARE(ticketsrc)

G_END_DECLS
