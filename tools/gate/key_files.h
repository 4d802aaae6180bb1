// SPDX-License-Identifier: LGPL-2.1-or-later
// The folder with the keys that a Verifier holds tickets against, while it changes. In the loop's thread.
#pragma once

#include <string>

#include <ticket/key_folder.h>
#include <ticket/verifier.h>

namespace headgate::gate {

class KeyFiles {
 public:
  // `folder` empty: the verifier's keys stay what they are.
  KeyFiles(ticket::Verifier& verifier, std::string folder);

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
  std::string kids_, digest_, problem_;
};

}  // namespace headgate::gate
