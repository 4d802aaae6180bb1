// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's listening sockets. They are the supervisor's and its children's together: as long as one of them
// lives, nobody is refused.
#pragma once

#include <map>
#include <string>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::serve {

class NodeListeners {
 public:
  // Takes a socket that a child has kept, or opens one.
  void take(const std::string& name, UniqueFd fd);
  Result<void> open_missing(const std::string& name, const std::string& address);
  bool has(const std::string& name) const { return fds_.count(name) != 0; }
  int fd(const std::string& name) const { return fds_.at(name).get(); }
  std::string address(const std::string& name) const;  // as bound; empty: none

 private:
  std::map<std::string, UniqueFd> fds_;
};

}  // namespace headgate::serve
