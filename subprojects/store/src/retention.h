// SPDX-License-Identifier: LGPL-2.1-or-later
// What a volume that is no evidence keeps no longer. Any process may remove at any time: media first, then
// the run's lines, so that a look at any moment finds runs whose media is gone, and no media without a run.
#pragma once

#include <cstdint>
#include <string>

#include <base/result.h>

namespace headgate::store {

inline constexpr size_t kMaxRemovedAtOnce = 64;  // files

// <root>/keep-ms: for store::remove_old_renditions(), which knows no settings.
Result<void> note_keep(const std::string& root, int64_t keep_ms);
// 0: nobody noted it.
int64_t noted_keep(const std::string& root);

// Removes the media files that were last written to before `utc_us`, and runs without a writer that have none
// left. Returns how many files it removed, at most kMaxRemovedAtOnce: the oldest runs' first.
size_t remove_old(const std::string& root, int64_t utc_us);

}  // namespace headgate::store
