// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory for a decoder's pictures, which it goes on reading after it has given them (it refers to them for
// the next ones), and which nobody behind it writes to.
//
// GstVideoDecoder wants a picture's buffer to itself, to write its time to it, and copies picture and all
// where it is not: and avdec_h264 (1.22) has each mapped as long as libavcodec refers to it, which is a
// reference. Buffers of this pool are their holder's to write times to whoever else refers to them.
#pragma once

#include <gst/gst.h>

#include "common/ref.h"

namespace headgate::abrhlssink {

// A GstVideoBufferPool, to be configured and started by whoever takes it. None: no memory.
gst::Ref<GstBufferPool> make_picture_pool();

}  // namespace headgate::abrhlssink
