// SPDX-License-Identifier: LGPL-2.1-or-later
// The folder with the keys that a Verifier holds tickets against, while it changes. In the loop's thread.
#pragma once

#include <string>

#include <ticket/key_folder.h>
#include <ticket/verifier.h>

#include "kept_keys.h"

namespace headgate::gate {

class KeyFiles {
 public:
  // `folder` empty: the verifier's keys stay what they are. What is taken is kept in `kept`.
  KeyFiles(ticket::Verifier& verifier, std::string folder, KeptKeys kept = KeptKeys());

  // Those that the verifier has, of a gate before this one.
  void begin_with(const ticket::NodeKeys& keys);
  const KeptKeys& kept() const { return kept_; }

  // If they are others than before, or `always`. The folder is taken whole: what is wrong in it changes
  // nothing, and is logged and told by problem().
  void reload(bool always);
  // Which keys tickets are held against (ticket::kids_of(), digest_of()); empty: not of a folder.
  const std::string& kids() const { return kids_; }
  const std::string& digest() const { return digest_; }
  const std::string& problem() const { return problem_; }  // of the folder as it is now; empty: none

 private:
  Result<bool> take(bool always);  // whether they are others

  ticket::Verifier& verifier_;
  ticket::KeyFolder folder_;
  const KeptKeys kept_;
  std::string kids_, digest_, problem_;
};

}  // namespace headgate::gate
