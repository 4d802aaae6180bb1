// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <playlist/record.h>

namespace headgate::playlist {

// Every number within record.h's limits, so that sums and differences of them cannot overflow.
bool sound(const Record& record);

}  // namespace headgate::playlist
