// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ticket/lease.h>

namespace headgate::ticket {

const char* name_of(LeaseKind kind) {
  switch (kind) {
    case LeaseKind::kFirst:
      return "first";
    case LeaseKind::kResume:
      return "resume";
    case LeaseKind::kTakeover:
      return "takeover";
  }
  return "";
}

Result<LeaseKind> LeaseTable::would_grant(const Ticket& ticket, const Claimant& claimant,
                                          int64_t mono_us) const {
  auto found = records_.find(ticket.tid);
  if (found == records_.end()) return LeaseKind::kFirst;
  return judge(ticket, found->second, claimant, mono_us - found->second.last_received_us);
}

Result<LeaseKind> LeaseTable::judge(const Ticket& ticket, const Record& record, const Claimant& claimant,
                                    int64_t silent_us) {
  const auto& held_by = record.holder.device;
  if (held_by && claimant.device && held_by->key == claimant.device->key) {
    if (claimant.device->counter > held_by->counter) return LeaseKind::kResume;
    return Unexpected(kUnauthorized,
                      "REPLAY: this attempt was made before. Start again on the device itself.");
  }
  // Who has the holder's address is not the holder, where that one has a key.
  if (!held_by && record.holder.address == claimant.address) return LeaseKind::kResume;
  if (silent_us <= (held_by ? kDeviceAliveUs : kStockSilenceUs))
    return Unexpected(kConflict,
                      held_by
                          ? "IN-USE: this ticket is streaming from another device. Stop it there first."
                          : "IN-USE: this ticket is streaming from another network. Stop it there, or wait 5 "
                            "seconds and try again.");
  if (ticket.takeover_policy() == kTakeoverNever)
    return Unexpected(
        kLocked,
        held_by ? "LOCKED: this ticket may only be used on the device that used it first. Ask the organiser "
                  "for a new ticket."
                : "LOCKED: this ticket may only be used from where it was used first. Go back there, or ask "
                  "the organiser for a new ticket.");
  if (held_by && silent_us <= kDeviceSilenceUs)
    return Unexpected(kLocked,
                      "LOCKED: this ticket's device was here a moment ago and may come back. Try again in 3 "
                      "minutes.");
  return LeaseKind::kTakeover;
}

Result<Lease> LeaseTable::claim(const Ticket& ticket, const Claimant& claimant, int64_t mono_us) {
  auto kind = would_grant(ticket, claimant, mono_us);
  if (!kind) return Unexpected(kind.error());
  Record& record = records_[ticket.tid];
  record = {claimant, record.epoch + 1, mono_us, ticket.expires};
  return Lease{*kind, record.epoch};
}

void LeaseTable::received(const TicketId& tid, uint64_t epoch, int64_t mono_us) {
  auto found = records_.find(tid);
  if (found != records_.end() && found->second.epoch == epoch) found->second.last_received_us = mono_us;
}

std::optional<Holding> LeaseTable::holding(const TicketId& tid) const {
  const auto found = records_.find(tid);
  if (found == records_.end()) return std::nullopt;
  const Record& record = found->second;
  return Holding{tid, record.holder, record.epoch, record.expires};
}

void LeaseTable::restore(const Holding& holding, int64_t mono_us) {
  const auto found = records_.find(holding.tid);
  if (found != records_.end() && found->second.epoch >= holding.epoch) return;
  records_[holding.tid] = {holding.holder, holding.epoch, mono_us, holding.expires};
}

void LeaseTable::drop_expired(int64_t utc_seconds) {
  std::erase_if(records_, [&](const auto& entry) {
    return utc_seconds > int64_t{entry.second.expires} + kGraceSeconds;
  });
}

}  // namespace headgate::ticket
