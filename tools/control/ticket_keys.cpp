// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket_keys.h"

#include <common/log.h>
#include <ticket/revoked.h>

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

void TicketKeys::take_revoked() {
  const FileStamp stamp = stamp_of(revoked_);  // before reading: what comes after is seen the next time
  if (revoked_.empty() || stamp == std::exchange(revoked_stamp_, stamp)) return;
  auto list = ticket::load_revoked(revoked_);
  if (list)
    verifier_->set_revoked(*std::move(list));
  else
    tools::log_error("tickets are checked with the list of revoked ones as it was: " + list.error().message);
}

const ticket::Verifier* TicketKeys::verifier() {
  if (auto taken = take(); !taken) {
    problem_ = taken.error().message;
    tools::log_error("tickets are not checked with the keys that are there: " + problem_);
  }
  if (!verifier_) return nullptr;
  take_revoked();
  return &*verifier_;
}

}  // namespace headgate::control
