// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether media flows through a pipeline, by a description's "restart": "silence". It is silent when for so
// long nothing has come to any sink, when a sink has been busy with the same buffer (who receives does not
// read, a disk hangs), or when a healthprobe has a stream that is stalled. No clock and no GStreamer; one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headgate::pipeline {

inline constexpr int64_t kLeastSilenceMs = 500;  // media comes in bursts

class Silence {
 public:
  // `threshold_ms`: from kLeastSilenceMs on.
  explicit Silence(int64_t threshold_ms) : threshold_ms_(threshold_ms) {}

  struct Sink {
    std::string name;
    uint64_t buffers = 0;  // that have come to it since it began
    bool busy = false;     // it has one that it has not taken yet
  };
  // How often it is to be looked.
  int64_t period_ms() const;
  // `sinks`: the same in each call, which may become more. `stalled`: stream of a healthprobe that is stalled
  // now; empty: none is. Returns why it is silent. Of the time between two calls kMostPeriods periods count:
  // who was stopped, or had no processor, has heard nothing for want of listening.
  std::optional<std::string> look(int64_t now_ms, const std::vector<Sink>& sinks, const std::string& stalled);

 private:
  static constexpr int64_t kMostPeriods = 2;

  const int64_t threshold_ms_;
  std::optional<int64_t> looked_ms_;
  std::vector<uint64_t> buffers_;  // of each sink, when it was looked last
  std::vector<int64_t> busy_ms_;   // that each sink has been busy with one
  int64_t nothing_ms_ = 0, stalled_ms_ = 0;
};

}  // namespace headgate::pipeline
