// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the node tells about itself (NODE in docs/api.md): HTTP over a Unix socket of the runtime folder. Who
// publishes from where, processes and paths are for the node's own user, not for viewers.
#pragma once

#include <string>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::origin {

inline constexpr char kAdminSocket[] = "admin.sock";
inline constexpr int64_t kMaxAdminConnections = 64;

// A listening socket at runtime_dir/admin.sock, mode 0600; one that was there (of an origin that died) is
// replaced at once.
Result<UniqueFd> listen_admin(const std::string& runtime_dir);
// At an orderly end: removes the name.
void forget_admin(const std::string& runtime_dir);

}  // namespace headgate::origin
