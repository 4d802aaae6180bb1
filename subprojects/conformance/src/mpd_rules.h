// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <conformance/mpd.h>

namespace headgate::conformance {

// The rules of one reading, but for those that reading itself has told.
void check_mpd(const Mpd& mpd, Findings& findings);

}  // namespace headgate::conformance
