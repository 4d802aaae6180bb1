// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipeline descriptions that a node's workers read: copies in the runtime folder of what was last found
// right in the folder that people write in. A wrong file there changes nothing for a node that runs. The same
// copy lies under the data folder, for a node that is started when the runtime folder has gone.
#pragma once

#include <string>

#include <base/result.h>

#include "description_copies.h"

namespace headgate::serve {

// Under a data folder: the link to the last good descriptions.
std::string kept_descriptions(const std::string& data);

class Descriptions {
 public:
  Descriptions(std::string source, const std::string& runtime_dir, const std::string& data);

  const std::string& source() const { return source_; }
  // What workers read: a link to the copy in use.
  const std::string& in_use() const { return copies_.in_use(); }
  // A copy is in use, of this supervisor's making or an earlier one's.
  bool any() const { return copies_.any(); }

  // The source is another than at the call before; true at the first.
  bool changed();
  // A fresh copy of the source; its path.
  Result<std::string> copy() { return copy_of(source_); }
  // Workers that read from now on read this copy, and the one before goes; after an error it is this one that
  // has gone.
  Result<void> use(const std::string& copy) { return copies_.use(copy); }
  static void drop(const std::string& copy) { DescriptionCopies::drop(copy); }

  // Under `data`: the last good ones, also after the machine was started anew. On the archive's disk, which
  // may hang: not for the loop (description_keeper.h), and one call at a time. Nothing is written when they
  // are kept already, unless `anyway`.
  static Result<void> keep(const DescriptionTexts& texts, const std::string& data, bool anyway);
  const std::string& kept() const { return kept_.in_use(); }
  bool any_kept() const { return kept_.any(); }
  // A fresh copy of the last good one, as copy().
  Result<std::string> copy_kept() { return copy_of(kept()); }

 private:
  Result<std::string> copy_of(const std::string& folder);

  const std::string source_;
  DescriptionCopies copies_, kept_;
  std::string looked_at_;  // names, sizes and times
};

}  // namespace headgate::serve
