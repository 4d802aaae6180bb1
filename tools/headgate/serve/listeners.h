// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's listening sockets. They are the supervisor's and its children's together: as long as one of them
// lives, nobody is refused.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::serve {

class NodeListeners {
 public:
  enum class Kind { kTcp, kUdp };

  // Takes a socket, or a memory, that a child has kept.
  void take(const std::string& name, UniqueFd fd);
  // Opens HOST:PORT[,PORT...], all or none of them, unless the name has sockets; an empty text opens none.
  Result<void> open_missing(const std::string& name, const std::string& ports, Kind kind = Kind::kTcp);
  // A piece of memory that is passed on as the sockets are; what is in it is its readers' business. Nothing
  // happens when there is one.
  Result<void> open_memory(const std::string& name);
  bool close(const std::string& name);  // those of the name; whether there were any
  std::vector<int> fds(const std::string& name) const;
  std::vector<std::pair<std::string, int>> all() const;  // by name
  std::string address(const std::string& name) const;  // as bound, in the form of open_missing(); empty: none

 private:
  std::map<std::string, std::vector<UniqueFd>> fds_;
};

}  // namespace headgate::serve
