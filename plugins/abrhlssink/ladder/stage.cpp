// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/stage.h"

#include <gst/video/video.h>

#include "common/trampoline.h"
#include "ladder/picture_pool.h"
#include "ladder/scaler.h"

namespace headgate::abrhlssink {

using gst::Ref;

Result<std::unique_ptr<Stage>> Stage::start(Setup setup, Events events) {
  auto stage = std::unique_ptr<Stage>(new Stage(std::move(events)));
  if (auto built = stage->build(std::move(setup)); !built) return Unexpected(built.error());
  return stage;
}

Stage::~Stage() {
  stop();
}

Result<void> Stage::build(Setup setup) {
  queue_ = setup.queue;
  pipeline_ = Ref<GstElement>::adopt(GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(setup.name.c_str()))));
  source_ = GST_APP_SRC(gst_element_factory_make("appsrc", nullptr));
  auto* const sink = GST_APP_SINK(gst_element_factory_make("appsink", nullptr));
  if (!source_ || !sink) return Unexpected("appsrc and appsink are missing: install gst-plugins-base");
  g_object_set(source_, "format", GST_FORMAT_TIME, "max-bytes", static_cast<guint64>(0), "block", FALSE,
               "emit-signals", FALSE, nullptr);
  if (setup.in_caps) gst_app_src_set_caps(source_, setup.in_caps.get());
  g_object_set(sink, "sync", FALSE, "async", FALSE, "emit-signals", FALSE, nullptr);
  if (setup.out_caps) gst_app_sink_set_caps(sink, setup.out_caps.get());
  GstAppSinkCallbacks callbacks{};
  callbacks.eos = &Stage::on_eos;
  gst_app_sink_set_callbacks(sink, &callbacks, this, nullptr);

  gst_bin_add_many(GST_BIN(pipeline_.get()), GST_ELEMENT(source_), GST_ELEMENT(sink), nullptr);
  GstElement* last = GST_ELEMENT(source_);
  for (Ref<GstElement>& element : setup.middle) {
    GstElement* const raw = element.get();
    gst_bin_add(GST_BIN(pipeline_.get()), raw);  // takes a reference of its own
    if (!gst_element_link(last, raw))
      return Unexpected(std::string("cannot link ") + GST_ELEMENT_NAME(last) + " to " +
                        GST_ELEMENT_NAME(raw));
    last = raw;
  }
  if (!gst_element_link(last, GST_ELEMENT(sink)))
    return Unexpected(std::string("cannot link ") + GST_ELEMENT_NAME(last) + " to the end");

  out_ = Ref<GstPad>::adopt(gst_element_get_static_pad(last, "src"));
  const Ref<GstPad> first = Ref<GstPad>::adopt(gst_element_get_static_pad(GST_ELEMENT(source_), "src"));
  gst_pad_add_probe(first.get(), GST_PAD_PROBE_TYPE_BUFFER, &Stage::on_left, this, nullptr);
  const Ref<GstPad> in = Ref<GstPad>::adopt(gst_element_get_static_pad(GST_ELEMENT(sink), "sink"));
  gst_pad_add_probe(in.get(), GST_PAD_PROBE_TYPE_BUFFER, &Stage::on_buffer, this, nullptr);
  if (setup.video_meta) {
    gst_pad_add_probe(in.get(), GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, &Stage::on_allocation, nullptr, nullptr);
  }
  const Ref<GstBus> bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), &Stage::on_message, this, nullptr);
  if (gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    return Unexpected(setup.name + " does not start");
  return {};
}

void Stage::set_caps(GstCaps* caps) {
  gst_app_src_set_caps(source_, caps);
}

bool Stage::push(Ref<GstBuffer> buffer, const std::function<bool()>& give_up,
                 std::chrono::nanoseconds longest) {
  if (!wait_for(queue_ - 1, give_up, longest)) return false;
  {
    std::lock_guard lock(mutex_);
    ++waiting_;
  }
  return gst_app_src_push_buffer(source_, buffer.release()) == GST_FLOW_OK;
}

bool Stage::wait_for(unsigned waiting, const std::function<bool()>& give_up,
                     std::chrono::nanoseconds longest) {
  std::unique_lock lock(mutex_);
  bool given_up = false;
  const bool moved = moved_.wait_for(lock, longest, [&] {
    return stopped_ || failed_ || waiting_ <= waiting || (given_up = give_up && give_up());
  });
  return moved && !stopped_ && !failed_ && !given_up;
}

void Stage::send_up(GstEvent* event) {
  gst_pad_send_event(out_.get(), event);
}

void Stage::wake() {
  std::lock_guard lock(mutex_);
  moved_.notify_all();
}

unsigned Stage::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_;
}

void Stage::end() {
  gst_app_src_end_of_stream(source_);
}

void Stage::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    moved_.notify_all();
  }
  if (!pipeline_) return;
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  const Ref<GstBus> bus = Ref<GstBus>::adopt(gst_element_get_bus(pipeline_.get()));
  gst_bus_set_sync_handler(bus.get(), nullptr, nullptr, nullptr);
  out_.reset();
  pipeline_.reset();
}

int64_t Stage::running_ns(GstSample* sample, GstClockTime time) {
  const GstSegment* segment = gst_sample_get_segment(sample);
  if (!GST_CLOCK_TIME_IS_VALID(time) || segment->format != GST_FORMAT_TIME) return INT64_MIN;
  guint64 running = 0;
  const int sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, time, &running);
  if (sign == 0) return INT64_MIN;
  return (sign < 0 ? -static_cast<int64_t>(running) : static_cast<int64_t>(running)) - kStageEpochNs;
}

namespace {

// No exception crosses GStreamer's frames: what escapes makes the stage fail.
template <typename F>
bool guarded(F f) noexcept {
  try {
    f();
    return true;
  } catch (...) {
    return false;
  }
}

}  // namespace

// Before appsink has it, which keeps its first buffer for good and its last one until the next: of decoded
// pictures each is megabytes.
GstPadProbeReturn Stage::on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
  auto& self = *static_cast<Stage*>(data);
  auto buffer = Ref<GstBuffer>::adopt(GST_PAD_PROBE_INFO_BUFFER(info));
  const auto caps = Ref<GstCaps>::adopt(gst_pad_get_current_caps(pad));
  const auto begun = Ref<GstEvent>::adopt(gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0));
  const GstSegment* segment = nullptr;
  if (begun) gst_event_parse_segment(begun.get(), &segment);
  const auto sample = Ref<GstSample>::adopt(gst_sample_new(buffer.get(), caps.get(), segment, nullptr));
  buffer.reset();
  GST_PAD_PROBE_INFO_FLOW_RETURN(info) =
      guarded([&] { self.events_.sample(sample.get()); }) ? GST_FLOW_OK : GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

void Stage::on_eos(GstAppSink*, gpointer data) {
  auto& self = *static_cast<Stage*>(data);
  if (self.events_.ended) guarded([&] { self.events_.ended(); });
}

GstBusSyncReply Stage::on_message(GstBus*, GstMessage* message, gpointer data) {
  auto& self = *static_cast<Stage*>(data);
  quieten(message);
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_STREAM_STATUS && self.events_.thread) {
    GstStreamStatusType type = GST_STREAM_STATUS_TYPE_CREATE;
    gst_message_parse_stream_status(message, &type, nullptr);
    if (type == GST_STREAM_STATUS_TYPE_ENTER || type == GST_STREAM_STATUS_TYPE_LEAVE)
      guarded([&] { self.events_.thread(type == GST_STREAM_STATUS_TYPE_ENTER); });
  }
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* error = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &error, &debug);
    const std::string text = std::string(GST_OBJECT_NAME(GST_MESSAGE_SRC(message))) + ": " + error->message;
    g_error_free(error);
    g_free(debug);
    bool first = false;
    {
      std::lock_guard lock(self.mutex_);
      first = !std::exchange(self.failed_, true) && !self.stopped_;
      self.moved_.notify_all();
    }
    if (first && self.events_.failed) guarded([&] { self.events_.failed(text); });
  }
  gst_message_unref(message);
  return GST_BUS_DROP;
}

GstPadProbeReturn Stage::on_left(GstPad*, GstPadProbeInfo*, gpointer data) {
  auto& self = *static_cast<Stage*>(data);
  if (self.events_.left) guarded([&] { self.events_.left(); });
  std::lock_guard lock(self.mutex_);
  if (self.waiting_ > 0) --self.waiting_;
  self.moved_.notify_all();
  return GST_PAD_PROBE_OK;
}

// And a pool for the asking: avdec_h264 (1.22) decodes into one that is offered, but copies each picture out
// of its own where that is as high as the coded picture (1088 lines) and not as what is shown of it (1080).
GstPadProbeReturn Stage::on_allocation(GstPad*, GstPadProbeInfo* info, gpointer) {
  GstQuery* const query = GST_PAD_PROBE_INFO_QUERY(info);
  if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION) return GST_PAD_PROBE_OK;
  gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, nullptr);
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.align = kPictureAlign;
  gst_query_add_allocation_param(query, nullptr, &params);
  GstCaps* caps = nullptr;
  gboolean wants_pool = FALSE;
  gst_query_parse_allocation(query, &caps, &wants_pool);
  GstVideoInfo video;
  if (wants_pool && caps && gst_video_info_from_caps(&video, caps)) {
    const Ref<GstBufferPool> pool = make_picture_pool();
    gst_query_add_allocation_pool(query, pool.get(), static_cast<guint>(GST_VIDEO_INFO_SIZE(&video)), 0, 0);
  }
  return GST_PAD_PROBE_HANDLED;
}

}  // namespace headgate::abrhlssink
