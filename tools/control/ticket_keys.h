// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's keys as far as saying whether a ticket is right takes them: without those that passwords are
// made from. Not thread-safe.
#pragma once

#include <ticket/key_folder.h>
#include <ticket/verifier.h>

#include <optional>
#include <string>

namespace headgate::control {

class TicketKeys {
 public:
  explicit TicketKeys(std::string folder) : folder_(std::move(folder)) {}

  // With the keys that are in the folder now; what is wrong there changes nothing, and is logged, as in the
  // gate. Null: none were right yet.
  const ticket::Verifier* verifier();
  const std::string& problem() const { return problem_; }  // of the folder, when it was read last

 private:
  Result<void> take();

  ticket::KeyFolder folder_;
  std::optional<ticket::Verifier> verifier_;
  std::string problem_;
};

}  // namespace headgate::control
