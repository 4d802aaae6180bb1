// SPDX-License-Identifier: LGPL-2.1-or-later
#include "description_keeper.h"

#include <utility>

namespace headgate::serve {

void DescriptionKeeper::keep(DescriptionTexts texts) {
  if (keeping())
    next_ = std::move(texts);
  else
    begin(std::move(texts));
}

void DescriptionKeeper::begin(DescriptionTexts texts) {
  end_ = std::make_shared<End>();
  aside_.run([keep = keep_, end = end_, anyway = failed_, texts = std::move(texts)] {
    auto kept = keep(texts, anyway);
    *end->lock() = std::move(kept);
  });
}

Result<void> DescriptionKeeper::look() {
  std::optional<Result<void>> end;
  if (end_) end.swap(*end_->lock());
  if (!end) return {};
  end_.reset();
  failed_ = !*end;
  if (!next_) return *std::move(end);
  begin(*std::exchange(next_, std::nullopt));
  return {};
}

}  // namespace headgate::serve
