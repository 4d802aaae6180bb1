// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes out of a rung's encoder, as the store wants it.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <optional>
#include <string>

#include <codec/track.h>
#include <store/derived.h>

#include "common/ref.h"
#include "common/track_finder.h"

namespace headgate::abrhlssink {

// Where encoded units of renditions go. Called on encoders' threads, at most one of a rendition at a time.
struct UnitSink {
  std::function<void(const std::string& rendition, const codec::Track& track)> track;
  std::function<void(const std::string& rendition, store::DerivedUnit unit)> unit;
  // The encoder has given all that it had. A reason ends the rendition's run; without one it goes on with the
  // next encoder, or ends with the source.
  std::function<void(const std::string& rendition, const std::string& reason)> end;
};

// Samples of one encoder into units: running times without negative composition of the first frame (with B
// frames a decode time lies before the picture's: all are moved so that a key frame's are the same, which is
// where the source's segment begins). What an encoder of sound puts before the first sample that it was given
// is left out. Not thread-safe.
class UnitMaker {
 public:
  // `delay_ns`: the encoder's output is so far behind its input's content.
  UnitMaker(std::string rendition, bool video, int64_t delay_ns)
      : rendition_(std::move(rendition)), video_(video), delay_ns_(delay_ns) {}
  // Error: what came cannot be used.
  Result<void> take(GstSample* sample, const UnitSink& sink);

 private:
  std::string rendition_;
  bool video_;
  int64_t delay_ns_;
  gst::Ref<GstCaps> caps_;          // of the last sample
  std::optional<int64_t> lead_ns_;  // the first frame's PTS less its DTS
  int64_t first_ns_ = 0;            // PTS of the first frame
  gst::TrackFinder finder_;
};

}  // namespace headgate::abrhlssink
