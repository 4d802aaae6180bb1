// SPDX-License-Identifier: LGPL-2.1-or-later
// Where fill (store/fill.h) has left a stream.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "records.h"

namespace headgate::store {

struct FillEnd {
  uint64_t next_msn = 0, next_dseq = 0;  // behind it
  int64_t end_pts = 0, end_utc_us = 0;
};
// Behind run `previous` of the station; nothing: no fill follows it. Who holds the station's lock is told
// what holds until it lets go.
std::optional<FillEnd> find_fill_end(const std::string& root, uint32_t event, uint32_t station,
                                     const Continuation& previous);

}  // namespace headgate::store
