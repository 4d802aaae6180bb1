// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/quiet_threads.h"

#include <sys/resource.h>
#include <unistd.h>

// A pool whose tasks have a thread each, which ends with them.
struct HeadgateQuietPool {
  GstTaskPool parent;
};
struct HeadgateQuietPoolClass {
  GstTaskPoolClass parent_class;
};
G_DEFINE_TYPE(HeadgateQuietPool, headgate_quiet_pool, GST_TYPE_TASK_POOL)

namespace {

struct Work {
  GstTaskPoolFunction function;
  gpointer data;
};

gpointer run_work(gpointer given) {
  const Work work = *static_cast<Work*>(given);
  delete static_cast<Work*>(given);
  headgate::abrhlssink::yield_to_others();
  work.function(work.data);
  return nullptr;
}

gpointer push(GstTaskPool*, GstTaskPoolFunction function, gpointer data, GError** error) {
  auto* const work = new Work{function, data};
  GThread* const thread = g_thread_try_new("hg-ladder-code", run_work, work, error);
  if (!thread) delete work;
  return thread;
}

void join(GstTaskPool*, gpointer thread) {
  g_thread_join(static_cast<GThread*>(thread));
}

void dispose_handle(GstTaskPool*, gpointer thread) {
  g_thread_unref(static_cast<GThread*>(thread));
}

void do_nothing(GstTaskPool*) {}
void prepare(GstTaskPool*, GError**) {}

}  // namespace

static void headgate_quiet_pool_class_init(HeadgateQuietPoolClass* klass) {
  auto* const pool_class = GST_TASK_POOL_CLASS(klass);
  pool_class->prepare = prepare;
  pool_class->cleanup = do_nothing;
  pool_class->push = push;
  pool_class->join = join;
  pool_class->dispose_handle = dispose_handle;
}

static void headgate_quiet_pool_init(HeadgateQuietPool*) {}

namespace headgate::abrhlssink {

void yield_to_others() {
  // Of a thread, on Linux. Who may not, goes on as he is: it is about who is first, not about what is right.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kEncodingNice);
}

void quieten(GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_STREAM_STATUS) return;
  GstStreamStatusType type;
  gst_message_parse_stream_status(message, &type, nullptr);
  const GValue* const object = gst_message_get_stream_status_object(message);
  if (type != GST_STREAM_STATUS_TYPE_CREATE || !object || !G_VALUE_HOLDS(object, GST_TYPE_TASK)) return;
  static GstTaskPool* const pool = [] {
    auto* made = GST_TASK_POOL(g_object_new(headgate_quiet_pool_get_type(), nullptr));
    GST_OBJECT_FLAG_SET(made, GST_OBJECT_FLAG_MAY_BE_LEAKED);
    return GST_TASK_POOL(gst_object_ref_sink(made));
  }();
  gst_task_set_pool(GST_TASK(g_value_get_object(object)), pool);
}

}  // namespace headgate::abrhlssink
