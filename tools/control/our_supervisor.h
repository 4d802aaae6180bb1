// SPDX-License-Identifier: LGPL-2.1-or-later
// Which process this one takes for its supervisor: the others of the node have the same user, face strangers,
// and can open the same sockets. As long as the one lives that has started this process and has said that it
// is the supervisor, it alone is; an upgrade leaves it its id. Its successor has started nobody, so that
// after its death only those are told from it that the last one has told of. One thread.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace headgate::control {

class OurSupervisor {
 public:
  // `parent`: the id of this process's parent, as it is now.
  explicit OurSupervisor(std::function<int()> parent = ::getppid)
      : parent_(std::move(parent)), started_by_(parent_()) {}

  // Whether it may be it; 0: its id is not known.
  bool may_be(int pid) const {
    if (has_spoken_ && parent_() == started_by_) return pid == started_by_;
    return pid > 0 && std::none_of(others_.begin(), others_.end(),
                                   [pid](const auto& other) { return other.second == pid; });
  }
  // It may be, and says that it is.
  void says_so(int pid) { has_spoken_ = has_spoken_ || pid == started_by_; }
  // It has told of another process of the node ("gate", "worker-3").
  void tells_of(const std::string& name, int pid) { others_[name] = pid; }

 private:
  std::function<int()> parent_;
  const int started_by_;
  bool has_spoken_ = false;  // started_by_
  std::map<std::string, int> others_;
};

}  // namespace headgate::control
