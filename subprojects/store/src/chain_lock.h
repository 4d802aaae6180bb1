// SPDX-License-Identifier: LGPL-2.1-or-later
// A run belongs to whoever holds the lock on its run.jl: its writer while it lives, then its recovery. An
// open file description lock (fcntl(2)): it goes with the last descriptor, and asking for it takes nothing.
#pragma once

#include <optional>
#include <string>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::store {

// Opens run.jl for reading and appending and takes its lock: for a writer when it is to be created, otherwise
// for a recovery. EBUSY: somebody living holds it.
Result<UniqueFd> lock_chain(const std::string& directory, bool create);
// False while a recovery holds it: the run is over, though it may have no `end` yet.
bool chain_has_writer(const std::string& directory);

// Between processes that open or recover runs of one station: held for moments only. EBUSY when `wait` is
// false and another has it; nothing is locked (and that is fine) when there is no such directory.
Result<UniqueFd> lock_station(const std::string& station_directory, bool wait);

}  // namespace headgate::store
