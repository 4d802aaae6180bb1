// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scratch.h"

#include <base/io.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace headgate::preflight {

Result<Scratch> Scratch::make(const std::string& parent, const std::optional<Account>& account) {
  std::string path = parent + "/preflight-XXXXXX";
  if (!::mkdtemp(path.data())) return errno_error("a folder in " + parent);
  Scratch out(path);
  if (account && ::chown(path.c_str(), account->uid, account->gid) != 0) return errno_error("chown " + path);
  return out;
}

Scratch::~Scratch() {
  std::error_code error;
  if (!path_.empty()) std::filesystem::remove_all(path_, error);
}

}  // namespace headgate::preflight
