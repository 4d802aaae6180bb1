// SPDX-License-Identifier: LGPL-2.1-or-later
#include "trampoline.h"

#include "ref.h"

namespace headgate::gst {

void report_exception(GstObject* object, const char* what) noexcept {
  GstElement* element = nullptr;
  Ref<GstObject> parent;
  if (GST_IS_ELEMENT(object)) {
    element = GST_ELEMENT_CAST(object);
  } else if (GST_IS_PAD(object)) {
    parent = Ref<GstObject>::adopt(gst_object_get_parent(object));
    if (GST_IS_ELEMENT(parent.get())) element = GST_ELEMENT_CAST(parent.get());
  }
  if (element)
    GST_ELEMENT_ERROR(element, LIBRARY, FAILED, ("internal error: %s", what), (nullptr));
  else
    GST_ERROR("internal error: %s", what);
}

}  // namespace headgate::gst
