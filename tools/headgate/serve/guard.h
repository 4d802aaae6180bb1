// SPDX-License-Identifier: LGPL-2.1-or-later
// What a process uses and whether that is too much is found out by a library of its own: who else has
// processes of his own watches them by the same rules.
#pragma once

#include <guard/close_looks.h>
#include <guard/count_window.h>
#include <guard/process_watch.h>
#include <guard/silence.h>
#include <guard/usage.h>
#include <guard/worker_health.h>
#include <guard/worker_limits.h>

namespace headgate::serve {
using namespace guard;  // NOLINT(google-build-using-namespace): its words are the supervisor's
}
