// SPDX-License-Identifier: LGPL-2.1-or-later
// One video rung while it runs: its encoder, and what is asked of it.
#pragma once

#include <gst/video/video.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <base/result.h>
#include <ladder/patience.h>
#include <ladder/plan.h>

#include "ladder/encoders.h"
#include "ladder/rendition_out.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

// Frames that wait for an encoder. It has some more of its own (x264: its lookahead).
inline constexpr unsigned kEncoderQueue = 2;

// How long an encoder that is to stop at once keeps the place of the next one, or of whoever ends the ladder.
// One that takes longer is left to itself, and stops when it does.
inline constexpr std::chrono::seconds kStopPatience{5};

// From an encoder out of which nothing came for so long nothing comes because it hangs, not because it is
// slow.
inline constexpr int64_t kSilentNs = 1'000'000'000;

class VideoRung : public std::enable_shared_from_this<VideoRung> {
 public:
  // `info`: of the pictures that it is given. `on_thread`: of the encoder, which may outlive this (abort()).
  static Result<std::shared_ptr<VideoRung>> start(const std::string& name, uint32_t kbps,
                                                  const GstVideoInfo& info, const EncoderSettings& settings,
                                                  const UnitSink& sink, OnThread on_thread = {});
  // A picture to be shown at `time_ns` (running time). Waits for room until release(), or the encoder has
  // failed or hangs; unless it `may_wait`, for as long as ladder::Patience allows. False: it was not taken; a
  // key frame that it should have been is the next one.
  bool push(GstBuffer* picture, int64_t time_ns, bool key, bool may_wait);
  // For whoever may wait: until no picture does, so that the next one is made when there is use for it. Waits
  // no longer than push() does.
  void wait_for_turn();
  // No more pictures: what is in the encoder comes out; `reason` as UnitSink::end() has it.
  void finish(const std::string& reason);
  // At once: what is in the encoder is lost, the rendition's run ends. Nothing comes of it afterwards. The
  // encoder itself is not waited for: it ends on a thread of its own.
  void abort(const std::string& reason);
  // After abort(): it has ended, or is waited for no more (kStopPatience; where it hung, not at all).
  bool gone() const;
  void wait_gone();
  // push() waits no more.
  void release();
  bool finished() const { return ended_; }  // after finish(): all came out
  // Waits for that. False: it fails, or takes too long.
  bool wait_finished(std::chrono::steady_clock::time_point deadline);
  bool failed() const { return failed_; }
  bool hung() const { return hung_; }  // that is why it failed
  // As ladder::Patience has it; of a source that does not wait.
  bool slow() const { return slow_; }
  bool strained() const { return strained_; }
  const std::string& name() const { return name_; }
  // More came out of the encoder than it may be silent for: of media, since a machine that stands still while
  // an encoder is started makes none of them steady.
  bool steady() const { return given_ns_ > silence_ns_; }
  // After finish(): it should have finished long ago.
  bool overdue() const;
  std::string error() const;

 private:
  VideoRung(std::string name, int64_t silence_ns, const UnitSink& sink)
      : name_(std::move(name)), silence_ns_(silence_ns), sink_(sink), maker_(name_, true, 0) {}
  void came(GstSample* sample);
  void over();
  void hang();
  bool take(const gst::Ref<GstBuffer>& picture, int64_t time_ns, bool may_wait);
  std::chrono::nanoseconds until_silent() const;
  void note(int64_t time_ns, bool taken, bool waited);
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
  std::atomic<bool> slow_{false}, strained_{false};
  std::future<void> stopped_;         // abort() has been called; mutex_
  int64_t aborted_ns_ = 0;            // steady clock; mutex_
  std::atomic<int64_t> given_ns_{0};  // from the first to the last picture that came out
  std::optional<int64_t> first_ns_;   // time of that; on the encoder's thread
  // Of push():
  bool owes_key_ = false;
  ladder::Patience patience_;
  std::optional<int64_t> shown_ns_;  // time of the picture before
  int64_t taken_ns_ = 0;             // steady clock: when the one before was
  bool lends_ = false;
  std::deque<gst::Ref<GstBuffer>> lent_;  // what the encoder may still read; mutex_
  bool taken_ = false;                    // the first of them is being read; mutex_
  std::unique_ptr<Stage> stage_;
};

}  // namespace headgate::abrhlssink
