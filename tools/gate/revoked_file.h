// SPDX-License-Identifier: LGPL-2.1-or-later
// The file that names tickets which were withdrawn, for a Verifier. In the loop's thread.
#pragma once

#include <string>

#include <base/bytes.h>
#include <base/file_stamp.h>
#include <base/result.h>
#include <ticket/verifier.h>

namespace headgate::gate {

class RevokedFile {
 public:
  // `path` empty: no ticket is. `kept`: a file for a copy of the last right one.
  RevokedFile(ticket::Verifier& verifier, std::string path, std::string kept);

  Result<void> check() const;
  // A file that is wrong is logged, and keeps nobody from starting: instead of it the last right one is
  // taken, if there is one.
  void load();
  // If it is another one than before, or `always`. What is wrong changes nothing, and is logged.
  void reload(bool always);
  bool any() const { return any_; }

 private:
  void take(std::set<ticket::TicketId> revoked);

  ticket::Verifier& verifier_;
  const std::string path_, kept_;
  FileStamp stamp_;
  bool any_ = false;
};

}  // namespace headgate::gate
