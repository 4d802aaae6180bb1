// SPDX-License-Identifier: LGPL-2.1-or-later
// A node that nobody else knows: the settings' own but for its folders and ports, for as long as it is
// wanted.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "program.h"
#include "scratch.h"

namespace headgate::preflight {

class PrivateNode {
 public:
  // `keys`: a node's; they are the account's to read. Waits until it serves.
  static Result<PrivateNode> start(const Context& context, const Scratch& scratch, const std::string& keys);
  PrivateNode(PrivateNode&&) = default;
  ~PrivateNode();  // of its processes none is left

  const std::string& root() const { return root_; }
  const std::map<std::string, std::string>& listen() const { return listen_; }  // as RunningNode's

 private:
  PrivateNode(Program program, Scratch runtime, std::string root, std::set<pid_t> others)
      : runtime_(std::move(runtime)),
        program_(std::move(program)),
        root_(std::move(root)),
        others_(std::make_unique<const std::set<pid_t>>(std::move(others))) {}

  Scratch runtime_;  // outlives the program
  Program program_;
  std::string root_;
  std::unique_ptr<const std::set<pid_t>> others_;  // children from before; none: it is another object's
  std::map<std::string, std::string> listen_;
};

// All below it belongs to the account.
Result<void> give_to(const std::optional<Account>& account, const std::string& folder);

}  // namespace headgate::preflight
