// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/picture_pool.h"

#include <gst/video/gstvideopool.h>

struct HeadgatePicturePool {
  GstVideoBufferPool parent;
};
struct HeadgatePicturePoolClass {
  GstVideoBufferPoolClass parent_class;
};
G_DEFINE_TYPE(HeadgatePicturePool, headgate_picture_pool, GST_TYPE_VIDEO_BUFFER_POOL)

namespace {

GstFlowReturn acquire(GstBufferPool* pool, GstBuffer** buffer, GstBufferPoolAcquireParams* params) {
  const GstFlowReturn taken =
      GST_BUFFER_POOL_CLASS(headgate_picture_pool_parent_class)->acquire_buffer(pool, buffer, params);
  // An object that can be locked is writable until it is locked, however many hold it. Pools reset flags.
  if (taken == GST_FLOW_OK) GST_MINI_OBJECT_FLAG_SET(*buffer, GST_MINI_OBJECT_FLAG_LOCKABLE);
  return taken;
}

}  // namespace

static void headgate_picture_pool_class_init(HeadgatePicturePoolClass* klass) {
  GST_BUFFER_POOL_CLASS(klass)->acquire_buffer = acquire;
}

static void headgate_picture_pool_init(HeadgatePicturePool*) {}

namespace headgate::abrhlssink {

gst::Ref<GstBufferPool> make_picture_pool() {
  auto* const pool = GST_BUFFER_POOL(g_object_new(headgate_picture_pool_get_type(), nullptr));
  return gst::Ref<GstBufferPool>::adopt(GST_BUFFER_POOL(gst_object_ref_sink(pool)));
}

}  // namespace headgate::abrhlssink
