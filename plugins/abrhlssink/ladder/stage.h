// SPDX-License-Identifier: LGPL-2.1-or-later
// A private pipeline `appsrc ! … ! appsink` in which one thing is done: decode, encode, convert. Its queue is
// bounded and its pieces are handed out on its own streaming thread.
#pragma once

#include <gst/app/app.h>
#include <gst/gst.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <base/result.h>

#include "common/ref.h"
#include "ladder/quiet_threads.h"

namespace headgate::abrhlssink {

// Added to running times inside of private pipelines, where a buffer's time cannot be negative. And 2000
// hours, because encoders with B frames have GstVideoEncoder move times below 1000 hours there, whereupon
// (1.22) it takes every request for a key frame behind the first as one that came too soon.
inline constexpr int64_t kStageEpochNs = 2000LL * 3600 * 1'000'000'000;

inline constexpr std::chrono::hours kAnyLength{24 * 365};

class Stage {
 public:
  struct Events {
    std::function<void(GstSample*)> sample;  // on the streaming thread; not called any more after stop()
    std::function<void()> ended;             // likewise, after the last sample: end() has come through
    // Likewise: one that was pushed goes into the middle, which is done with all before it.
    std::function<void()> left;
    std::function<void(std::string)> failed;  // on any thread; once. Nothing more comes. Must not stop()
    OnThread thread{};                        // on each of its streaming threads, until stop() has come back
  };
  struct Setup {
    std::string name;                          // in debug output
    std::vector<gst::Ref<GstElement>> middle;  // linked in this order
    gst::Ref<GstCaps> in_caps;                 // of what is pushed; none: set_caps() comes first
    gst::Ref<GstCaps> out_caps;                // that appsink takes; none: anything
    unsigned queue = 4;                        // buffers that wait
    bool video_meta = false;  // appsink takes padded pictures, and has a pool for them: nothing is copied
  };
  static Result<std::unique_ptr<Stage>> start(Setup setup, Events events);
  ~Stage();  // stop()
  Stage(const Stage&) = delete;

  // What is pushed next has these caps.
  void set_caps(GstCaps* caps);
  // Waits for room as long as it lasts, unless `give_up` holds, which wake() has looked at again, or
  // `longest` is over. False: nothing was taken (given up, stopped or failed).
  bool push(gst::Ref<GstBuffer> buffer, const std::function<bool()>& give_up = nullptr,
            std::chrono::nanoseconds longest = kAnyLength);
  // The same wait, until no more than `waiting` are in the queue. False: they are, or nothing will be taken.
  bool wait_for(unsigned waiting, const std::function<bool()>& give_up, std::chrono::nanoseconds longest);
  void wake();
  // An upstream event, which arrives at the end of the middle. Takes ownership.
  void send_up(GstEvent* event);
  unsigned waiting() const;  // buffers in the queue
  // Nothing will be pushed any more: `ended` follows.
  void end();
  // Waits for its streaming threads; not from them.
  void stop();

  // Of a buffer of a sample: running time in ns without kStageEpochNs, perhaps negative. INT64_MIN: it has
  // none.
  static int64_t running_ns(GstSample* sample, GstClockTime time);

 private:
  explicit Stage(Events events) : events_(std::move(events)) {}
  Result<void> build(Setup setup);
  static GstPadProbeReturn on_buffer(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static void on_eos(GstAppSink* sink, gpointer self);
  static GstBusSyncReply on_message(GstBus* bus, GstMessage* message, gpointer self);
  static GstPadProbeReturn on_left(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  static GstPadProbeReturn on_allocation(GstPad* pad, GstPadProbeInfo* info, gpointer self);

  Events events_;
  gst::Ref<GstElement> pipeline_;
  GstAppSrc* source_ = nullptr;  // the pipeline's
  gst::Ref<GstPad> out_;         // of the last element in the middle
  unsigned queue_ = 4;
  mutable std::mutex mutex_;  // below; a leaf
  std::condition_variable moved_;
  unsigned waiting_ = 0;
  bool stopped_ = false, failed_ = false;
};

}  // namespace headgate::abrhlssink
