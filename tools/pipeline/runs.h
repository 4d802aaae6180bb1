// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs of one description, one after the other: what fails is followed by another, as its "restart" says,
// until one ends by itself, somebody asks, or it is given up. In the loop's thread; what goes wrong is told
// on standard error.
#pragma once

#include <pipeline/backoff.h>
#include <pipeline/description.h>
#include <pipeline/runner.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <base/loop.h>

namespace headgate::pipeline {

inline constexpr std::string_view kErrorFront = "error:";  // of a reason

// Who hears of runs.
class RunWatch {
 public:
  virtual void began(GstElement* pipeline) = 0;  // it is built, and starts now
  virtual void element(const GstStructure& message) = 0;
  // `reason` as of a session (docs/events.md): unpublish, shutdown, error:TEXT. The pipeline is gone, or
  // could not be built. `idle_ms`: for how long nothing had flowed, if that is why; else 0.
  virtual void ended(const std::string& reason, int64_t idle_ms) = 0;

 protected:
  ~RunWatch() = default;
};

class Runs {
 public:
  enum class End {
    ended,     // by itself, or it was asked to
    failed,    // the only one that there was to be
    given_up,  // failed too often, or cannot be built
  };
  // `program`: in front of what is told. `done`: not called from within a call to this object but start().
  // `watch`: null: nobody.
  Runs(Loop& loop, const Description& description, Values values, std::string program, bool once,
       RunWatch* watch, std::function<void(End)> done);
  ~Runs();
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;

  void start();
  // EOS goes through what runs; done() follows, also when nothing runs at the moment. `reason`: that is told.
  void end(const std::string& reason = "shutdown");
  std::string status();  // empty: nothing runs at the moment

 private:
  bool begin();
  void ended(std::string error);
  void take_down();

  Loop& loop_;
  const Description& description_;
  const Values values_;
  const std::string program_;
  const bool once_;
  RunWatch* const watch_;
  const std::function<void(End)> done_;
  Backoff backoff_;
  std::unique_ptr<Runner> runner_;
  int64_t began_ms_ = 0;
  Loop::TimerId pause_ = 0;
  bool ending_ = false;
  std::string reason_ = "unpublish";  // of an end without an error
};

}  // namespace headgate::pipeline
