// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ticket_keys.h"

#include <common/log.h>
#include <ticket/revoked.h>

#include <utility>

namespace headgate::control {
namespace {

const std::string kListFront = "the list of revoked tickets: ";

}  // namespace

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

Result<void> TicketKeys::take_revoked() {
  const FileStamp stamp = stamp_of(revoked_);  // before reading: what comes after is seen the next time
  if (revoked_.empty() || (revoked_known_ && stamp == revoked_stamp_)) return {};
  revoked_stamp_ = stamp;
  auto list = ticket::load_revoked(revoked_);
  if (!list && revoked_known_) {
    tools::log_error("tickets are checked with the list of revoked ones as it was: " + list.error().message);
    return {};
  }
  if (!list) {
    const Error wrong = list.error();
    list = ticket::load_revoked(revoked_kept_);
    if (!list) {
      tools::log_error("tickets are not checked, for want of a list of revoked ones: " + wrong.message);
      return Unexpected(wrong);
    }
    tools::log_error("tickets are checked with the gate's last right list of revoked ones: " + wrong.message);
  }
  verifier_->set_revoked(*std::move(list));
  revoked_known_ = true;
  return {};
}

const ticket::Verifier* TicketKeys::verifier() {
  if (auto taken = take(); !taken) {
    problem_ = taken.error().message;
    tools::log_error(
        (verifier_ ? "tickets are checked with the keys before: " : "tickets are not checked: ") + problem_);
  }
  if (!verifier_) return nullptr;
  if (auto taken = take_revoked(); !taken) {
    problem_ = kListFront + taken.error().message;
    return nullptr;
  }
  if (problem_.starts_with(kListFront)) problem_.clear();
  return &*verifier_;
}

}  // namespace headgate::control
