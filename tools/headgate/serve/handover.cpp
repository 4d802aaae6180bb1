// SPDX-License-Identifier: LGPL-2.1-or-later
#include "handover.h"

#include <wire/messages.h>

#include <algorithm>
#include <utility>

namespace headgate::serve {

Handover::~Handover() {
  stop();
}

void Handover::begin() {
  for (const char* role : {"gate", "origin", "control"}) {
    Child& child = children_.place(role);
    child.send(wire::GetListeners{});
    if (child.running()) ++waiting_;  // also one that does not take it: it ends, or is incompatible
  }
  if (waiting_ == 0) return over_();
  wait(kAdoptMs);
}

void Handover::told(const std::vector<std::string>& names, std::vector<UniqueFd> fds) {
  for (size_t i = 0; i < std::min(names.size(), fds.size()); ++i)
    listeners_.take(names[i], std::move(fds[i]));
  settled();
}

void Handover::settled() {
  if (waiting_ == 0 || --waiting_ > 0) return;
  stop();
  over_();
}

void Handover::wait_longer() {
  if (timer_ != 0) wait(kApartMs);
}

void Handover::wait(int64_t ms) {
  loop_.cancel(timer_);
  timer_ = loop_.after_ms(ms, [this] {
    stop();
    over_();
  });
}

void Handover::stop() {
  waiting_ = 0;
  loop_.cancel(std::exchange(timer_, 0));
}

}  // namespace headgate::serve
