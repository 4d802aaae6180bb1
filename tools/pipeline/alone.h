// SPDX-License-Identifier: LGPL-2.1-or-later
// A session's pipeline without a node: its source listens by itself and admits a publisher who has a ticket,
// one after the other, until somebody asks, or the pipeline fails. Who comes, goes and is refused is told on
// standard error. In the loop's thread.
#pragma once

#include <pipeline/build.h>
#include <pipeline/runner.h>

#include <functional>
#include <memory>
#include <string>

#include <base/loop.h>

namespace headgate::pipeline {

class Alone {
 public:
  struct Listen {
    std::string uri;    // rtmp://HOST:PORT/APP, srt://HOST:PORT; port 0: the kernel chooses
    std::string keys;   // the folder of keys that tickets are held against
    bool once = false;  // it ends with the first session
  };
  // `program`: in front of what is told. `done`: the exit code; not from within a call to this object but
  // start().
  Alone(Loop& loop, const Description& description, Values values, Listen listen, std::string program,
        std::function<void(int code)> done);
  ~Alone();
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

  void start();
  void end();  // a session that runs is ended in order; then done()
  std::string status() { return runner_ ? runner_->status() : ""; }

 private:
  Result<void> begin();
  void told(const GstStructure& session);
  void finish(const std::string& error);

  Loop& loop_;
  const Description& description_;
  const Values values_;
  const Listen listen_;
  const std::string program_;
  const std::function<void(int)> done_;
  PipelinePtr source_;
  std::unique_ptr<Runner> runner_;
  Loop::TimerId cut_ = 0;
  bool ending_ = false, finished_ = false;
};

}  // namespace headgate::pipeline
