// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks each second whether the folder of pipeline descriptions has changed. What is new is checked by a
// worker that does nothing else (`--check`); when it is right, workers read it, and when it is wrong, it is
// told and what was there before stays in use.
#pragma once

#include <functional>
#include <string>

#include <base/loop.h>

#include "description_keeper.h"
#include "descriptions.h"
#include "tasks.h"

namespace headgate::serve {

inline constexpr int64_t kLookMs = 1000;

class DescriptionWatch {
 public:
  // `check`: a worker's program, to which the folder and --check are added. `changed`: new ones are in use
  // (true), or refused, as they are when the check takes longer than `limit_ms`.
  DescriptionWatch(Loop& loop, Tasks& tasks, std::string source, const std::string& runtime_dir,
                   const std::string& data, std::function<Program()> check,
                   std::function<void(bool good)> changed, int64_t limit_ms = kCheckMs);
  ~DescriptionWatch();
  DescriptionWatch(const DescriptionWatch&) = delete;
  DescriptionWatch& operator=(const DescriptionWatch&) = delete;

  const Descriptions& descriptions() const { return descriptions_; }
  const std::string& refused() const { return refused_; }  // what is wrong; empty: nothing
  std::string json() const;                                // NODE's `pipelines`

  // Whether what is there is right; then it is in use.
  void check_first(std::function<void(bool good)> done);
  // At the start, before anything runs: the same, and when it is wrong the last good one, if that still is.
  // It is in use then, though refused() says what is wrong with the other.
  void begin(std::function<void(bool good)> done);
  void watch();  // from now on
  void look();   // now; changed() is told at the end
  bool looking() const { return checking_; }
  // What was found right is being written under the data folder, beside the loop; look() says when that ends.
  bool keeping() const { return keeper_.keeping(); }
  void stop();

 private:
  // `copy`: of what is told as `folder`.
  void check(Result<std::string> copy, const std::string& folder, std::function<void(bool good)> done);
  void keep();  // what is in use

  Loop& loop_;
  Tasks& tasks_;
  Descriptions descriptions_;
  DescriptionKeeper keeper_;
  const std::function<Program()> check_;
  const std::function<void(bool)> changed_;
  const int64_t limit_ms_;
  std::string refused_;
  bool checking_ = false, stopped_ = false;
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::serve
