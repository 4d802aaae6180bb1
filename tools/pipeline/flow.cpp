// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/terminal.h>
#include <pipeline/flow.h>
#include <pipeline/gst_each.h>

#include <cstdio>
#include <utility>

namespace headgate::pipeline {
namespace {

// A pad holds this lock while a buffer is in its function.
bool is_busy(GstPad* pad) {
  if (!GST_PAD_STREAM_TRYLOCK(pad)) return true;
  GST_PAD_STREAM_UNLOCK(pad);
  return false;
}

}  // namespace

std::string per_second(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f/s", value);
  return text;
}

Flow::Flow(GstElement* pipeline) {
  each(gst_bin_iterate_sinks(GST_BIN(pipeline)), [this](gpointer object) {
    auto sink = std::make_unique<Sink>();
    sink->element = GST_ELEMENT(object);
    sink->name = GST_OBJECT_NAME(object);
    sinks_.push_back(std::move(sink));
    Sink* to = sinks_.back().get();
    // Muxers that are sinks get pads when their streams are known.
    const auto added = +[](GstElement*, GstPad* pad, gpointer data) {
      if (gst_pad_get_direction(pad) == GST_PAD_SINK) watch(*static_cast<Sink*>(data), pad);
    };
    g_signal_connect(object, "pad-added", G_CALLBACK(added), to);
    each(gst_element_iterate_sink_pads(to->element), [to](gpointer pad) { watch(*to, GST_PAD(pad)); });
  });
}

void Flow::watch(Sink& sink, GstPad* pad) {
  const auto count = +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
    Sink& to = *static_cast<Sink*>(data);
    if (GstBuffer* buffer = GST_PAD_PROBE_INFO_BUFFER(info)) {
      to.bytes += gst_buffer_get_size(buffer);
      ++to.buffers;
    }
    return GST_PAD_PROBE_OK;
  };
  const auto count_list = +[](GstPad*, GstPadProbeInfo* info, gpointer data) {
    Sink& to = *static_cast<Sink*>(data);
    GstBufferList* list = GST_PAD_PROBE_INFO_BUFFER_LIST(info);
    to.bytes += gst_buffer_list_calculate_size(list);
    to.buffers += gst_buffer_list_length(list);
    return GST_PAD_PROBE_OK;
  };
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, count, &sink, nullptr);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER_LIST, count_list, &sink, nullptr);
}

uint64_t Flow::bytes() const {
  uint64_t out = 0;
  for (const auto& sink : sinks_) out += sink->bytes;
  return out;
}

std::string Flow::rates(double seconds) {
  std::string out;
  for (const auto& sink : sinks_) {
    const uint64_t bytes = sink->bytes, buffers = sink->buffers;
    out += "  " + sink->name + " " +
           per_second(static_cast<double>(buffers - std::exchange(sink->told_buffers, buffers)) / seconds) +
           " " +
           load::short_number(static_cast<double>(8 * (bytes - std::exchange(sink->told_bytes, bytes))) /
                              seconds) +
           "bit/s";
  }
  return out;
}

std::vector<Silence::Sink> Flow::sinks() const {
  std::vector<Silence::Sink> out;
  for (const auto& sink : sinks_) {
    bool busy = false;
    each(gst_element_iterate_sink_pads(sink->element),
         [&busy](gpointer pad) { busy = busy || is_busy(GST_PAD(pad)); });
    out.push_back({sink->name, sink->buffers, busy});
  }
  return out;
}

}  // namespace headgate::pipeline
