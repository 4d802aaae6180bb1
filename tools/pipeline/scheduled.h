// SPDX-License-Identifier: LGPL-2.1-or-later
// A description with the trigger schedule, as long as it has times left: runs when one begins, EOS when it is
// over. What ends by itself before that waits for the next time. The wall clock is looked at each second, so
// that one that is set counts as it is set. In the loop's thread.
#pragma once

#include <pipeline/due.h>
#include <pipeline/runs.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace headgate::pipeline {

class Scheduled {
 public:
  // `done`: the exit code; not from within a call to this object but start().
  Scheduled(Loop& loop, const Description& description, Values values, std::string program, bool once,
            RunWatch* watch, std::function<void(int code)> done);
  ~Scheduled();
  Scheduled(const Scheduled&) = delete;
  Scheduled& operator=(const Scheduled&) = delete;

  void start();
  void end();
  // "waits for 2026-09-14 09:00:00 +0200: 02:15:07", or what runs.
  std::string status();
  int64_t waits_until_us() const;  // UTC; 0: it runs, or has no time left

 private:
  void look();
  void ended(Runs::End how);

  Loop& loop_;
  const Description& description_;
  const Values values_;
  const std::string program_;
  const bool once_;
  RunWatch* const watch_;
  const std::function<void(int)> done_;
  std::unique_ptr<Runs> runs_;
  Due due_;
  bool asked_ = false;  // what runs was told that its time is over
  Loop::TimerId timer_ = 0;
  bool ending_ = false;
};

}  // namespace headgate::pipeline
