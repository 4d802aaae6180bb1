// SPDX-License-Identifier: LGPL-2.1-or-later
// Writes the last good descriptions to the disk beside the loop: it is the archive's, and may hang. One call
// at a time; of what comes meanwhile the last is written. In the loop's thread.
#pragma once

#include <guard/aside.h>

#include <base/guarded.h>
#include <base/result.h>

#include <functional>
#include <memory>
#include <optional>

#include "description_copies.h"

namespace headgate::serve {

class DescriptionKeeper {
 public:
  // Called in another thread, perhaps after this object's end; may hang. `anyway`: what was written last may
  // not have reached the disk, though it can be read.
  using Keep = std::function<Result<void>(const DescriptionTexts& texts, bool anyway)>;

  explicit DescriptionKeeper(Keep keep) : keep_(std::move(keep)), aside_("keep-pipelines") {}

  void keep(DescriptionTexts texts);  // never waits
  // Now and then. The error is of what was to be written last, and is told once.
  Result<void> look();
  bool keeping() const { return end_ != nullptr; }

 private:
  using End = Guarded<std::optional<Result<void>>>;  // nothing: it has not come
  void begin(DescriptionTexts texts);

  const Keep keep_;
  std::optional<DescriptionTexts> next_;
  std::shared_ptr<End> end_;  // of the call that is under way; null: none is
  bool failed_ = false;       // the one before
  guard::Aside aside_;
};

}  // namespace headgate::serve
