// SPDX-License-Identifier: LGPL-2.1-or-later
#include "start_checks.h"

#include <common/log.h>

#include <utility>

namespace headgate::serve {

Program StartChecks::check_of(const std::string& role) const {
  Program out = program_of_(role, -1);
  out.arguments.emplace_back("--check");
  return out;
}

void StartChecks::run(std::function<void(const std::string& refused)> done) {
  done_ = std::move(done);
  if (children_.place("control").running()) return check_gate();
  tasks_.run(
      check_of("control"),
      [this](int code) {
        const std::string text = "control's settings were refused (the reason is above)";
        if (code != 0 && !children_.any([](const Child& one) { return one.running(); })) return done_(text);
        if (code != 0) {  // streams that run do not wait for them
          tools::log_error(text + "; the node goes on without it");
          events_.add("control.refused", Severity::error, {{kEventText, text}});
        }
        check_gate();
      },
      {}, kCheckMs);
}

void StartChecks::check_gate() {
  if (children_.place("gate").running()) return check_workers();
  // Certificate and lists are refused here rather than by one gate after the other.
  tasks_.run(
      check_of("gate"),
      [this](int code) {
        if (code != 0) return done_("the gate's settings were refused (the reason is above)");
        check_workers();
      },
      {}, kCheckMs);
}

void StartChecks::check_workers() {
  const bool has_worker = children_.any([](const Child& one) { return is_worker(one) && one.running(); });
  // Those that run have read what is in use; what has changed since is looked at like any other change.
  if (has_worker && descriptions_.descriptions().any()) return done_("");
  descriptions_.begin(
      [this](bool good) { done_(good ? "" : "the workers' settings were refused (the reason is above)"); });
}

}  // namespace headgate::serve
