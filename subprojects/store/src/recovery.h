// SPDX-License-Identifier: LGPL-2.1-or-later
// Recovery of one run whose lock is held (docs/archive.md, recovery).
#pragma once

#include <string>

#include <base/unique_fd.h>
#include <store/reader.h>

namespace headgate::store {

// `chain`: from lock_chain(); released on return.
Result<void> recover_locked(const std::string& directory, UniqueFd chain, const std::string& node,
                            RecoverySummary& summary);

}  // namespace headgate::store
