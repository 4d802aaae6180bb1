// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket_keys.h"

#include <common/log.h>

#include <utility>

namespace headgate::control {

Result<void> TicketKeys::take() {
  auto read = folder_.read();
  if (!read) return Unexpected(read.error());
  if (!*read) return {};
  (*read)->masters.clear();
  if (verifier_) {
    if (auto set = verifier_->set_keys(*std::move(*read)); !set)
      return Unexpected(folder_.path() + ": " + set.error().message);
  } else {
    verifier_.emplace(*std::move(*read));
  }
  problem_.clear();
  return {};
}

const ticket::Verifier* TicketKeys::verifier() {
  if (auto taken = take(); !taken) {
    problem_ = taken.error().message;
    tools::log_error("tickets are not checked with the keys that are there: " + problem_);
  }
  return verifier_ ? &*verifier_ : nullptr;
}

}  // namespace headgate::control
