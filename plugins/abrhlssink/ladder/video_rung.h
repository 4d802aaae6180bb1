// SPDX-License-Identifier: LGPL-2.1-or-later
// One video rung while it runs: its encoder, and what is asked of it.
#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include <base/result.h>
#include <ladder/plan.h>

#include "ladder/encoders.h"
#include "ladder/rendition_out.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

// Frames that wait for an encoder. It has some more of its own (x264: its lookahead).
inline constexpr unsigned kEncoderQueue = 2;

class VideoRung {
 public:
  // `info`: of the pictures that it is given.
  static Result<std::shared_ptr<VideoRung>> start(const std::string& name, uint32_t kbps,
                                                  const GstVideoInfo& info, const EncoderSettings& settings,
                                                  const UnitSink& sink);
  // A picture to be shown at `time_ns` (running time). Waits for room until stop(). False: it was not taken.
  bool push(GstBuffer* picture, int64_t time_ns, bool key);
  // No more pictures: what is in the encoder comes out; `reason` as UnitSink::end() has it.
  void finish(const std::string& reason);
  // At once: what is in the encoder is lost, the rendition's run ends.
  void abort(const std::string& reason);
  // push() waits no more.
  void release();
  bool finished() const { return ended_; }  // after finish(): all came out
  // Waits for that. False: it fails, or takes too long.
  bool wait_finished(std::chrono::steady_clock::time_point deadline);
  bool failed() const { return failed_; }
  std::string error() const;

 private:
  VideoRung(std::string name, const UnitSink& sink)
      : name_(std::move(name)), sink_(sink), maker_(name_, true, 0) {}
  void fail(std::string error);
  gst::Ref<GstBuffer> lend(GstBuffer* picture);

  const std::string name_;
  const UnitSink sink_;
  UnitMaker maker_;           // on the encoder's thread
  mutable std::mutex mutex_;  // below; a leaf
  std::condition_variable changed_;
  std::string error_, reason_;
  std::atomic<bool> ended_{false}, failed_{false}, released_{false};
  bool lends_ = false;
  std::deque<gst::Ref<GstBuffer>> lent_;  // what the encoder may still read; mutex_
  bool taken_ = false;                    // the first of them is being read; mutex_
  std::unique_ptr<Stage> stage_;
};

}  // namespace headgate::abrhlssink
