// SPDX-License-Identifier: LGPL-2.1-or-later
#include "seats.h"

#include <ingest/places.h>

#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "whose.h"

namespace headgate::origin {
namespace {

constexpr int64_t kOverdueUs = int64_t{kIdleSeconds + kHeadersSeconds} * 1'000'000;

// From three quarters on it is looked for who is idle: before, nobody has to make way.
bool is_crowded(int64_t now, int64_t most) {
  return now * 4 >= most * 3;
}

}  // namespace

class Seat::All {
 public:
  All(const Clock& its_clock, const ConnectionLimits& its_limits, std::function<void()> its_freed)
      : clock(its_clock),
        limits(its_limits),
        freed(std::move(its_freed)),
        places(std::numeric_limits<size_t>::max(), kUndisturbedUs) {}

  int64_t open() const { return static_cast<int64_t>(seats.size()); }
  bool full() const { return open() >= limits.all; }
  int64_t of(const std::string& whose) const {
    const auto found = of_address.find(whose);
    return found == of_address.end() ? 0 : found->second;
  }

  const Clock& clock;
  const ConnectionLimits limits;
  std::function<void()> freed;  // none: the server is gone
  std::list<Seat*> seats;
  std::unordered_map<std::string, int64_t> of_address;  // those that are limited, without those told to end
  ingest::Places places;                                // of those that are known to be idle
  std::unordered_map<uint64_t, Seat*> idle;
  uint64_t last_id = 0;
  uint64_t newest = 0;  // the idle_id_ of who came last, at first
  Seats::Counts counts;
};

Seat::Seat(std::shared_ptr<All> all, ingest::Peer peer, std::string whose)
    : all_(std::move(all)),
      peer_(std::move(peer)),
      whose_(std::move(whose)),
      self_(all_->seats.insert(all_->seats.end(), this)),
      since_us_(all_->clock.mono_us()),
      took_us_(since_us_),
      of_address_(!whose_.empty()) {
  if (of_address_) ++all_->of_address[whose_];
}

Seat::~Seat() {
  forget_idle();
  leave_address();
  const bool was_full = all_->full();
  all_->seats.erase(self_);
  if (was_full && all_->freed) all_->freed();
}

void Seat::set(Phase phase, int64_t mono_us) {
  phase_ = phase;
  since_us_ = mono_us;
  took(mono_us);
}

void Seat::took(int64_t mono_us) {
  took_us_ = mono_us;
  forget_idle();
}

// Bytes of a request whose headers are not whole are nothing.
bool Seat::is_idle(int64_t mono_us) const {
  if (phase_ == Phase::asking) return mono_us - since_us_ >= kUndisturbedUs;
  return phase_ == Phase::sending && mono_us - took_us_ >= kStalledUs;
}

void Seat::note_idle() {
  if (idle_id_ != 0 || ended_) return;
  idle_id_ = ++all_->last_id;
  all_->places.add(idle_id_, peer_, phase_ == Phase::asking ? since_us_ : took_us_);
  all_->idle.emplace(idle_id_, this);
}

void Seat::forget_idle() {
  if (idle_id_ == 0) return;
  all_->places.remove(idle_id_);
  all_->idle.erase(idle_id_);
  idle_id_ = 0;
}

void Seat::leave_address() {
  if (!std::exchange(of_address_, false)) return;
  const auto found = all_->of_address.find(whose_);
  if (--found->second == 0) all_->of_address.erase(found);
}

void Seat::end() {
  if (std::exchange(ended_, true)) return;
  forget_idle();
  leave_address();
  if (end_) end_();
}

Seats::Seats(const Clock& clock, const ConnectionLimits& limits, std::function<void()> freed)
    : all_(std::make_shared<Seat::All>(clock, limits, std::move(freed))) {}

Seats::~Seats() {
  all_->freed = nullptr;
}

Place Seats::take(const sockaddr_storage& remote) {
  const std::string whose = stranger(remote);
  const ingest::Peer peer = ingest::make_peer(remote);
  if (all_->limits.of_address > 0 && !whose.empty() && all_->of(whose) >= all_->limits.of_address) {
    ++all_->counts.over_address;
    const auto leaves = all_->places.leaves_of_source(peer, all_->clock.mono_us());
    if (!leaves) return nullptr;
    all_->idle.at(*leaves)->end();
  }
  auto seat = std::make_shared<Seat>(all_, peer, whose);
  seat->note_idle();
  all_->newest = seat->idle_id_;
  return seat;
}

bool Seats::full() const {
  return all_->full();
}

bool Seats::make_way() {
  const auto leaves = all_->places.leaves_for(all_->newest, all_->clock.mono_us());
  if (!leaves) return false;
  ++all_->counts.made_way;
  all_->idle.at(*leaves)->end();
  return true;
}

void Seats::sweep() {
  const int64_t now_us = all_->clock.mono_us();
  const bool crowded = is_crowded(all_->open(), all_->limits.all);
  std::vector<Seat*> overdue;
  for (Seat* seat : all_->seats) {
    if (seat->phase_ == Seat::Phase::asking && now_us - seat->since_us_ >= kOverdueUs)
      overdue.push_back(seat);
    else if (seat->is_idle(now_us) &&
             (crowded || (seat->of_address_ && all_->limits.of_address > 0 &&
                          is_crowded(all_->of(seat->whose_), all_->limits.of_address))))
      seat->note_idle();
  }
  for (Seat* seat : overdue) {
    if (!seat->ended_) ++all_->counts.overdue;
    seat->end();
  }
}

int64_t Seats::open() const {
  return all_->open();
}

const Seats::Counts& Seats::counts() const {
  return all_->counts;
}

}  // namespace headgate::origin
