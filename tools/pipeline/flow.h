// SPDX-License-Identifier: LGPL-2.1-or-later
// What comes to the sinks of a pipeline: counted in the threads that bring it, read in one thread.
#pragma once

#include <gst/gst.h>
#include <pipeline/silence.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace headgate::pipeline {

std::string per_second(double value);  // "25.0/s"

class Flow {
 public:
  // The pipeline outlives it, and does not run any more when it goes.
  explicit Flow(GstElement* pipeline);
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  uint64_t bytes() const;  // that have come to all sinks
  // Of the time since the call before, which was `seconds`: "  out 25.0/s 1.3Mbit/s" for each sink.
  std::string rates(double seconds);
  // One that is busy is in the function of a pad of its.
  std::vector<Silence::Sink> sinks() const;

 private:
  struct Sink {
    GstElement* element;
    std::string name;
    std::atomic<uint64_t> bytes = 0, buffers = 0;
    uint64_t told_bytes = 0, told_buffers = 0;
  };
  static void watch(Sink& sink, GstPad* pad);

  std::vector<std::unique_ptr<Sink>> sinks_;
};

}  // namespace headgate::pipeline
