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
#include "ladder/rendition_out.h"
#include "ladder/stage.h"

namespace headgate::abrhlssink {

// Of one thread, but for release().
class AudioRung {
 public:
  AudioRung(ladder::Rung rung, UnitSink sink) : rung_(std::move(rung)), sink_(std::move(sink)) {}
  ~AudioRung();  // stop()

  // What comes next has these caps. Error: it cannot be decoded or encoded; nothing is done until other caps.
  Result<void> caps(GstCaps* caps);
  // `may_wait`: for room; else it is left out when there is none.
  void push(const EncodedFrame& frame, bool may_wait);
  // What was pushed comes out; `reason` as UnitSink::end() has it.
  void finish(const char* reason);
  void release();  // nothing waits any more
  void stop();
  const std::string& name() const { return rung_.name; }

 private:
  void drop_stage();

  const ladder::Rung rung_;
  const UnitSink sink_;
  gst::Ref<GstCaps> caps_;
  std::unique_ptr<UnitMaker> maker_;
  std::mutex mutex_;              // below; a leaf
  std::shared_ptr<Stage> stage_;  // changed by the one thread only
  std::condition_variable changed_;
  bool ended_ = false, failed_ = false, released_ = false;
};

}  // namespace headgate::abrhlssink
