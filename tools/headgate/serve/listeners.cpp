// SPDX-License-Identifier: LGPL-2.1-or-later
#include "listeners.h"

#include <common/listeners.h>

namespace headgate::serve {

void NodeListeners::take(const std::string& name, UniqueFd fd) {
  fds_.emplace(name, std::move(fd));  // the one that is there stays
}

Result<void> NodeListeners::open_missing(const std::string& name, const std::string& address) {
  if (has(name)) return {};
  auto fd = tools::listen_tcp(address);
  if (!fd) return Unexpected("--" + name + ": " + fd.error().message);
  fds_.emplace(name, *std::move(fd));
  return {};
}

std::string NodeListeners::address(const std::string& name) const {
  if (!has(name)) return "";
  auto bound = tools::bound_address(fd(name));
  return bound ? *bound : "";
}

}  // namespace headgate::serve
