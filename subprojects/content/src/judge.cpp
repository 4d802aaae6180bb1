// SPDX-License-Identifier: LGPL-2.1-or-later
#include "content/judge.h"

namespace headgate::content {
namespace {

constexpr double kMargin = 1.25;      // between beginning and ending, of shares and differences
constexpr double kMarginDb = 3;       // of levels
constexpr int kMacroblock = 16 * 16;  // pixels

}  // namespace

const char* name_of(Condition condition) {
  constexpr std::array<const char*, kConditions> kNames{"black", "frozen", "covered", "silent", "clipped"};
  return kNames[static_cast<size_t>(condition)];
}

bool Judge::step(Condition condition, bool more, bool less, int64_t time) {
  State& state = states_[static_cast<size_t>(condition)];
  const InARow& in_a_row = kInARow[static_cast<size_t>(condition)];
  if (state.since) {
    state.in_a_row = less ? state.in_a_row + 1 : 0;
    if (state.in_a_row < in_a_row.end) return false;
    state = {};
    return true;
  }
  if (!more) {
    state = {};
    return false;
  }
  if (!state.first) state.first = time;
  if (++state.in_a_row < in_a_row.begin) return false;
  state.since = state.first;
  state.in_a_row = 0;
  return true;
}

bool Judge::saw(const Look& look, int pixels, bool full_range, std::optional<uint32_t> between,
                int64_t time) {
  const auto& t = thresholds_;
  bool changed = false;
  const bool black = look.bright < t.black_bright && look.contrast < t.black_contrast;
  const bool lit = look.bright > t.black_bright * kMargin || look.contrast > t.black_contrast * kMargin;
  changed |= step(Condition::black, black, lit, time);
  // What is black has no detail, and nothing that could move: of the three it is told alone.
  const bool uncovered = look.detail > t.covered_detail * kMargin || black;
  changed |= step(Condition::covered, look.detail < t.covered_detail && !black, uncovered, time);
  if (look_) {
    change_ = change_between(look_->grid, look.grid, full_range);
    const double most_bytes = t.frozen_frame + t.frozen_macroblock * pixels / kMacroblock;
    const bool still = change_->mean <= t.frozen_mean && change_->most <= t.frozen_most;
    const bool moved = change_->mean > t.frozen_mean * kMargin || change_->most > t.frozen_most * kMargin;
    const bool nothing_between = between && *between <= most_bytes;
    const bool goes_on = moved || !between || *between > most_bytes * kMargin;
    changed |= step(Condition::frozen, still && nothing_between && !black, goes_on || black, time);
  }
  look_ = look;
  return changed;
}

bool Judge::heard(const Hearing& hearing, int64_t time) {
  const auto& t = thresholds_;
  hearing_ = hearing;
  const bool silent =
      step(Condition::silent, hearing.rms_db<t.silent_db, hearing.rms_db> t.silent_db + kMarginDb, time);
  const bool clipped = step(Condition::clipped, hearing.clipped > t.clipped_share,
                            hearing.clipped < t.clipped_share / kMargin, time);
  return silent || clipped;
}

void Judge::restart() {
  states_ = {};
  look_.reset();
  change_.reset();
  hearing_.reset();
}

}  // namespace headgate::content
