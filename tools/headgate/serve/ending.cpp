// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ending.h"

#include <utility>

namespace headgate::serve {
namespace {

bool outlasts_sessions(const Child& child) {
  return child.place().role == "origin" || child.place().role == "control";
}

void each(Children& children, bool others, void (Child::*act)()) {
  children.each([&](Child& child) {
    if (outlasts_sessions(child) == others) (child.*act)();
  });
}

}  // namespace

Ending::~Ending() {
  loop_.cancel(kill_);
}

void Ending::begin() {
  kill_ = loop_.after_ms(kWorkersStopMs, [this] {
    kill_ = 0;
    each(children_, false, &Child::kill);
  });
  each(children_, false, &Child::stop);
  changed();
}

void Ending::changed() {
  if (!any_running(false)) end_others();
  if (!any_running(true)) ended_();
}

void Ending::end_others() {
  if (std::exchange(others_, true)) return;
  each(children_, true, &Child::stop);
  loop_.cancel(kill_);
  kill_ = loop_.after_ms(kOthersStopMs, [this] {
    kill_ = 0;
    each(children_, true, &Child::kill);
  });
}

bool Ending::any_running(bool others) const {
  return children_.any(
      [&](const Child& one) { return one.running() && (others || !outlasts_sessions(one)); });
}

}  // namespace headgate::serve
