// SPDX-License-Identifier: LGPL-2.1-or-later
// The request pad `records`: what the writer of the source's files tells of them.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <vector>

#include <playlist/record.h>
#include <store/stream_time.h>

namespace headgate::abrhlssink {

class RecordsPad {
 public:
  // Called on the pad's streaming thread, in order.
  struct Events {
    std::function<void(const std::vector<playlist::Record>&)> records;
    std::function<void(const store::StreamTime&)> time;
    std::function<void()> ended;
  };
  // `element` outlives this.
  RecordsPad(GstElement* element, Events events) : element_(element), events_(std::move(events)) {}

  static void add_template(GstElementClass* klass);
  static bool is_template(GstPadTemplate* templ);
  // The element's request_new_pad and release_pad. Null when it is there already; false: it is not this one.
  GstPad* request(GstPadTemplate* templ);
  bool release(GstPad* pad);
  GstPad* get() const { return pad_; }  // none: null

 private:
  static GstFlowReturn on_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static GstFlowReturn on_chain_list(GstPad* pad, GstObject* parent, GstBufferList* list);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);

  GstElement* element_;
  const Events events_;
  GstPad* pad_ = nullptr;  // the element's; object lock, but for its own thread
};

}  // namespace headgate::abrhlssink
