// SPDX-License-Identifier: LGPL-2.1-or-later
// What a check of `headgate preflight` found.
#pragma once

#include <string>
#include <vector>

namespace headgate::preflight {

enum class Level { skip, pass, warn, fail };  // the later is the worse
const char* level_name(Level level);          // "skip", "pass", "warn", "fail"

struct Finding {
  Level level = Level::warn;  // warn or fail
  std::string what;           // a sentence for a person
  std::string to_do;          // what mends it
};

struct Outcome {
  std::string measured;  // one line; of a check that was skipped, why
  std::vector<Finding> findings;
  bool skipped = false;

  static Outcome skip(std::string why) { return {std::move(why), {}, true}; }
  Outcome& warn(std::string what, std::string to_do) {
    findings.push_back({Level::warn, std::move(what), std::move(to_do)});
    return *this;
  }
  Outcome& fail(std::string what, std::string to_do) {
    findings.push_back({Level::fail, std::move(what), std::move(to_do)});
    return *this;
  }
  Level level() const;
};

}  // namespace headgate::preflight
