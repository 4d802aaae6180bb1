// SPDX-License-Identifier: LGPL-2.1-or-later
// The node's keys as far as saying whether a ticket is right takes them: without those that passwords are
// made from. Not thread-safe.
#pragma once

#include <base/file_stamp.h>
#include <ticket/key_folder.h>
#include <ticket/verifier.h>

#include <optional>
#include <string>
#include <utility>

namespace headgate::control {

class TicketKeys {
 public:
  // `revoked` empty: no ticket is. `revoked_kept`: the gate's copy of the last right list.
  TicketKeys(std::string folder, std::string revoked, std::string revoked_kept)
      : folder_(std::move(folder)), revoked_(std::move(revoked)), revoked_kept_(std::move(revoked_kept)) {}

  // With the keys that are in the folder now, and the list as it is; what is wrong there changes nothing, and
  // is logged, as in the gate. Null: no keys were right yet, or no list was, here or in the gate: nobody
  // knows then which tickets were withdrawn.
  const ticket::Verifier* verifier();
  const std::string& problem() const { return problem_; }  // why not, or of the folder

 private:
  Result<void> take();
  Result<void> take_revoked();

  ticket::KeyFolder folder_;
  const std::string revoked_, revoked_kept_;
  FileStamp revoked_stamp_;  // when it was read last
  bool revoked_known_ = false;
  std::optional<ticket::Verifier> verifier_;
  std::string problem_;
};

}  // namespace headgate::control
