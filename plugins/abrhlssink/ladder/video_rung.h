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

// How long an encoder that is to stop at once is waited for. One that takes longer is cut off, and stops when
// it does.
inline constexpr std::chrono::seconds kStopPatience{5};

// An encoder that takes nothing and gives nothing for so long is passed over where nobody may wait: the
// others go on. Shorter than what makes rungs give way (ladder::ReliefSettings::behind_ns).
inline constexpr int64_t kEncoderPatienceNs = 500'000'000;

class VideoRung : public std::enable_shared_from_this<VideoRung> {
 public:
  // `info`: of the pictures that it is given.
  static Result<std::shared_ptr<VideoRung>> start(const std::string& name, uint32_t kbps,
                                                  const GstVideoInfo& info, const EncoderSettings& settings,
                                                  const UnitSink& sink);
  // A picture to be shown at `time_ns` (running time). Waits for room until release(), or the encoder has
  // failed or hangs; unless it `may_wait`, for kEncoderPatienceNs, and not at all from then on until there is
  // room again. (Then it is only slow, and is waited for.) False: it was not taken; a key frame that it
  // should have been is the next one.
  bool push(GstBuffer* picture, int64_t time_ns, bool key, bool may_wait);
  // No more pictures: what is in the encoder comes out; `reason` as UnitSink::end() has it.
  void finish(const std::string& reason);
  // At once: what is in the encoder is lost, the rendition's run ends. Nothing comes of it afterwards.
  void abort(const std::string& reason);
  // push() waits no more.
  void release();
  bool finished() const { return ended_; }  // after finish(): all came out
  // Waits for that. False: it fails, or takes too long.
  bool wait_finished(std::chrono::steady_clock::time_point deadline);
  bool failed() const { return failed_; }
  bool hung() const { return hung_; }  // that is why it failed
  // Something came out of the encoder when it had run for longer than it may be silent.
  bool steady() const { return heard_ns_ - started_ns_ > silence_ns_; }
  // After finish(): it should have finished long ago.
  bool overdue() const;
  std::string error() const;

 private:
  VideoRung(std::string name, int64_t silence_ns, const UnitSink& sink)
      : name_(std::move(name)), silence_ns_(silence_ns), sink_(sink), maker_(name_, true, 0) {}
  void came(GstSample* sample);
  void over();
  void hang();
  bool take(const gst::Ref<GstBuffer>& picture, bool may_wait);
  void fail(std::string error);
  gst::Ref<GstBuffer> lend(GstBuffer* picture);

  const std::string name_;
  const int64_t silence_ns_;
  const UnitSink sink_;
  UnitMaker maker_;                   // on the encoder's thread
  std::mutex sink_mutex_;             // before mutex_; while sink_ is called
  bool cut_off_ = false;              // sink_ is not called any more; sink_mutex_
  std::atomic<int64_t> heard_ns_{0};  // steady clock: something came out, or the encoder was started
  std::atomic<unsigned> held_{0};     // pictures that it took since
  mutable std::mutex mutex_;          // below; a leaf
  std::condition_variable changed_;
  std::string error_, reason_;
  std::atomic<bool> ended_{false}, failed_{false}, released_{false}, hung_{false};
  int64_t started_ns_ = 0;  // steady clock
  // Of push():
  bool owes_key_ = false;
  bool passed_over_ = false;      // until there is room
  int64_t patient_until_ns_ = 0;  // steady clock: it was passed over, and came back not long ago
  bool lends_ = false;
  std::deque<gst::Ref<GstBuffer>> lent_;  // what the encoder may still read; mutex_
  bool taken_ = false;                    // the first of them is being read; mutex_
  std::unique_ptr<Stage> stage_;
};

}  // namespace headgate::abrhlssink
