// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <utility>

#include "recorder.h"

namespace headgate::gst {

struct Recorder::Track {
  codec::Kind kind = codec::Kind::video;
  std::optional<codec::Track> config;  // of the units that are pushed next
  std::deque<Unit> queue;              // not packaged yet: tracks or a session are waited for
  size_t queued_bytes = 0;
  std::optional<int64_t> position_ns;  // DTS of the latest unit, or the end of a GAP
  uint32_t session = 0;                // id
  bool eos = false;
  bool ended = false;     // its session is over
  bool active = true;     // linked
  bool given_up = false;  // was waited for in vain

  bool awaited() const { return active && !eos && !ended; }
  // Anything ever came: otherwise its end will not come either (a branch of a tee that nothing goes into).
  bool begun() const { return config || position_ns || eos; }
  int64_t queued_ns() const { return queue.empty() ? 0 : queue.back().dts_ns - queue.front().dts_ns; }
  Unit pop() {
    Unit unit = std::move(queue.front());
    queue.pop_front();
    queued_bytes -= unit.data.size();
    return unit;
  }
};

}  // namespace headgate::gst
