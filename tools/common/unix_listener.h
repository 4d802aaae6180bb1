// SPDX-License-Identifier: LGPL-2.1-or-later
// HTTP over a Unix socket of the runtime folder: for the node's own user, not for viewers.
#pragma once

#include <string>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::tools {

// What operators ask (docs/api.md): headgate-control's.
inline constexpr char kAdminSocket[] = "admin.sock";
// What headgate-control asks headgate-origin.
inline constexpr char kOriginHttpSocket[] = "origin.http.sock";

// A listening stream socket at runtime_dir/name, mode 0600, non-blocking; one that was there (of a process
// that died) is replaced at once.
Result<UniqueFd> listen_unix(const std::string& runtime_dir, const std::string& name);
// At an orderly end: removes the name.
void forget_unix(const std::string& runtime_dir, const std::string& name);

}  // namespace headgate::tools
