// SPDX-License-Identifier: LGPL-2.1-or-later
// Threads that work for an element without being a streaming thread of its pipeline tell so as these do:
// whoever wants to know for whom a thread has died hears it on that thread, from a bus' synchronous handler.
#pragma once

#include <gst/gst.h>

namespace headgate::gst {

// On the thread: from now on it works for `element` alone, or does not any more
// (GST_MESSAGE_STREAM_STATUS: enter, leave). Takes the element's object lock.
inline void tell_thread(GstElement* element, bool begins) {
  const auto type = begins ? GST_STREAM_STATUS_TYPE_ENTER : GST_STREAM_STATUS_TYPE_LEAVE;
  gst_element_post_message(element, gst_message_new_stream_status(GST_OBJECT_CAST(element), type, element));
}

}  // namespace headgate::gst
