// SPDX-License-Identifier: LGPL-2.1-or-later
// One audio rung: decoded, at most two channels, encoded as AAC.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include <ladder/rungs.h>

#include "ladder/feeder.h"
#include "ladder/loudness_tap.h"
#include "ladder/rendition_out.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

inline constexpr uint32_t kMostChannels = 2;  // that a rung has

// Of one thread, but for release().
class AudioRung {
 public:
  // `loudness`: that it is brought to, LUFS; 0: it is left alone. `on_thread`: of decoder and encoder.
  AudioRung(ladder::Rung rung, double loudness, UnitSink sink, OnThread on_thread = {})
      : rung_(std::move(rung)),
        loudness_(loudness),
        sink_(std::move(sink)),
        on_thread_(std::move(on_thread)) {}
  ~AudioRung();  // stop()

  // What comes next has these caps. Error: it cannot be decoded or encoded; nothing is done until other caps.
  Result<void> caps(GstCaps* caps);
  // `may_wait`: for room; else it is left out when there is none.
  // Error: decoder or encoder had failed; they are started again with a later frame (kMaxEncoderFailures).
  Result<void> push(const EncodedFrame& frame, bool may_wait);
  // What was pushed comes out; `reason` as UnitSink::end() has it.
  void finish(const char* reason);
  void release();  // nothing waits any more
  void stop();
  const ladder::Rung& rung() const { return rung_; }
  const std::string& name() const { return rung_.name; }
  bool has_caps() const { return static_cast<bool>(caps_); }  // and was not finished since

 private:
  Result<void> start();
  Result<void> look(int64_t now_ns);
  void drop_stage();

  Result<Stage::Setup> setup();

  const ladder::Rung rung_;
  const double loudness_;
  const UnitSink sink_;
  const OnThread on_thread_;
  gst::Ref<GstCaps> caps_;
  unsigned failures_ = 0;  // in a row
  int64_t since_ns_ = 0;   // DTS with which the stage began, or had failed
  bool fresh_ = false;     // nothing was pushed into the stage
  std::unique_ptr<UnitMaker> maker_;
  std::unique_ptr<LoudnessTap> tap_;  // of the stage
  std::mutex mutex_;                  // below; a leaf
  std::shared_ptr<Stage> stage_;      // changed by the one thread only
  std::condition_variable changed_;
  bool ended_ = false, failed_ = false, released_ = false;
  std::string error_;  // why it failed
};

}  // namespace headgate::abrhlssink
