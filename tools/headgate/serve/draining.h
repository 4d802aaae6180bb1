// SPDX-License-Identifier: LGPL-2.1-or-later
// The node is being emptied: it lets nobody in, whoever is in goes on. Kept in the runtime folder, so that a
// supervisor that takes over goes on with it; an orderly end of the node ends it.
#pragma once

#include <cstdint>
#include <string>

#include <base/result.h>

namespace headgate::serve {

class Draining {
 public:
  explicit Draining(std::string runtime_dir) : path_(std::move(runtime_dir) + "/draining") {}

  void load();  // what an earlier supervisor has left
  // The error: it holds, but would not outlive this process.
  Result<void> begin(int64_t utc_us);
  void end();
  bool on() const { return since_utc_us_ > 0; }
  // Nobody is left: true the first time, also over the supervisors that take over.
  bool emptied();
  std::string json() const;  // NODE's `draining`: null, or since when

 private:
  Result<void> keep() const;

  const std::string path_;
  int64_t since_utc_us_ = 0;  // 0: it is not
  bool emptied_ = false;
};

}  // namespace headgate::serve
