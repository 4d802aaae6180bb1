// SPDX-License-Identifier: LGPL-2.1-or-later
// The keys that tickets were last held against, for the gate that is started after this one while their
// folder is wrong. They are in a piece of memory that the supervisor has made and hands to each gate
// (memfd_create(2)), and does not look into: nowhere on a disk, and gone with the node's processes. In the
// loop's thread.
#pragma once

#include <base/result.h>
#include <base/unique_fd.h>
#include <ticket/verifier.h>

namespace headgate::gate {

inline constexpr char kKeysMemory[] = "keys";  // its name among inherited descriptors

class KeptKeys {
 public:
  explicit KeptKeys(UniqueFd memory = {}) : memory_(std::move(memory)) {}

  // Those from now on; without a memory they are kept nowhere.
  Result<void> keep(const ticket::NodeKeys& keys) const;
  // An error: there are none, or they are not whole.
  Result<ticket::NodeKeys> load() const;
  int fd() const { return memory_.get(); }  // -1: there is none

 private:
  UniqueFd memory_;
};

}  // namespace headgate::gate
