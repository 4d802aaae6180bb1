// SPDX-License-Identifier: LGPL-2.1-or-later
#include "turns.h"

#include <base/clock.h>
#include <glib.h>

namespace headgate::origin {
namespace {

// A poll function is given nothing of its caller's.
Turns& of_this_process() {
  static Turns turns;
  return turns;
}

gint look(GPollFD* descriptors, guint count, gint timeout_ms) {
  const int64_t begin_us = system_clock().mono_us();
  const gint found = g_poll(descriptors, count, timeout_ms);
  of_this_process().looked(begin_us, system_clock().mono_us());
  return found;
}

}  // namespace

void Turns::watch() {
  g_main_context_set_poll_func(nullptr, look);
}

int64_t Turns::request_us() {
  const int64_t earliest_us = of_this_process().earliest_us();
  return earliest_us > 0 ? earliest_us : system_clock().mono_us();
}

}  // namespace headgate::origin
