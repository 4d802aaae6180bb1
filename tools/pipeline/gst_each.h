// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace headgate::pipeline {

// `call` for each object of the iterator, which is freed.
template <typename Call>
void each(GstIterator* iterator, Call call) {
  gst_iterator_foreach(
      iterator,
      +[](const GValue* value, gpointer data) { (*static_cast<Call*>(data))(g_value_get_object(value)); },
      &call);
  gst_iterator_free(iterator);
}

}  // namespace headgate::pipeline
