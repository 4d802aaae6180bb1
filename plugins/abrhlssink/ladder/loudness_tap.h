// SPDX-License-Identifier: LGPL-2.1-or-later
// Raw sound that passes a pad, brought to a loudness on its way.
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <base/result.h>
#include <ladder/loudness.h>

#include "common/ref.h"

namespace headgate::abrhlssink {

// On one streaming thread. Outlives the stage that its elements are in. What a limiter holds when the sound
// ends, some milliseconds, stays there.
class LoudnessTap {
 public:
  explicit LoudnessTap(double target) : target_(target) {}  // LUFS
  LoudnessTap(const LoudnessTap&) = delete;
  // To be linked in this order behind what resamples and before an encoder.
  Result<std::vector<gst::Ref<GstElement>>> elements();
  // What comes out is so far behind what went in.
  static int64_t delay_ns(int64_t rate);

 private:
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer self);
  void take_caps(GstCaps* caps);
  void take(GstPadProbeInfo* info);

  const double target_;
  std::optional<ladder::Normaliser> normaliser_;  // of what comes now; none: it is left alone
};

}  // namespace headgate::abrhlssink
