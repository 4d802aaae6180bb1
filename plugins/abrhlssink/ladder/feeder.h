// SPDX-License-Identifier: LGPL-2.1-or-later
// Encoded frames on their way into a decoder: a bounded queue with a thread that empties it, so that whoever
// fills it need not wait for what is slow behind it.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>

#include "common/ref.h"

namespace headgate::abrhlssink {

// Waiting media at which a live source's next frames are left out, up to a key frame.
inline constexpr int64_t kMaxWaitingNs = 6'000'000'000;
inline constexpr size_t kMaxWaitingBytes = 48u << 20;
// Waiting frames at which a source that is not live waits.
inline constexpr size_t kMaxWaitingFrames = 8;

// Nothing of the source between two frames that are further apart: a hole is no media that waits.
inline constexpr int64_t kHoleNs = 1'000'000'000;

struct EncodedFrame {
  gst::Ref<GstBuffer> buffer;
  int64_t dts_ns = 0, pts_ns = 0;  // running time
  bool key = false;
  bool boundary = false;  // a segment begins with it
  int64_t after_ns = 0;   // behind the one that waits before it; the feeder's
};
// What was given comes out of decoders and encoders: nothing follows for now. What does begins with a key
// frame.
struct InputDrain {};
struct InputEnd {};
using Input = std::variant<gst::Ref<GstCaps>, EncodedFrame, InputDrain, InputEnd>;

class Feeder {
 public:
  // `take` is called on the thread, in order; it may block until stop() has made it stop. There is a thread
  // from the first put() on, and yields to others.
  Feeder(const char* name, std::function<void(Input)> take);
  ~Feeder();  // stop()
  Feeder(const Feeder&) = delete;

  // `may_wait`: for room. Otherwise frames are left out when there is none; false: this one was.
  bool put(Input input, bool may_wait);
  // Leaves out the frames that wait.
  void flush();
  // Ends the thread once it has nothing to do; the next put() begins another. Not beside put(); stop() may
  // come meanwhile, from another thread.
  void rest();
  // Leaves out what waits, and waits for the thread. Nobody waits in put() any more.
  void stop();

  // Media between the frames that wait.
  int64_t waiting_ns() const;
  uint64_t dropped() const { return dropped_; }

 private:
  void run();
  bool has_room() const;
  void wait_for_thread(std::unique_lock<std::mutex>& lock);

  const char* const name_;
  const std::function<void(Input)> take_;
  mutable std::mutex mutex_;  // below; a leaf
  std::condition_variable changed_;
  std::deque<Input> queue_;
  size_t frames_ = 0, bytes_ = 0;
  int64_t newest_ns_ = 0;   // DTS of the frame that came last
  int64_t waiting_ns_ = 0;  // the sum of their EncodedFrame::after_ns
  bool skipping_ = false;   // until the next key frame
  bool stopping_ = false;
  bool resting_ = false;
  bool at_work_ = false;  // the thread has not done with take_
  std::atomic<uint64_t> dropped_{0};
  std::thread thread_;
};

}  // namespace headgate::abrhlssink
