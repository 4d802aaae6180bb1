// SPDX-License-Identifier: LGPL-2.1-or-later
#include "clock_report.h"

#include <utility>

namespace headgate::ticketsrc {
namespace {

enum Index : size_t { kNudged, kBackward, kForward, kComposition, kLoss, kFalseKey, kHiddenKey, kDrift };
constexpr const char* kNames[] = {"nudged", "backward",  "forward",    "composition",
                                  "loss",   "false-key", "hidden-key", "drift"};
constexpr int64_t kMsNs = 1'000'000;

Index index_of(timeline::Repair repair) {
  switch (repair) {
    case timeline::Repair::backward:
      return kBackward;
    case timeline::Repair::forward:
      return kForward;
    case timeline::Repair::drift:
      return kDrift;
    case timeline::Repair::nudged:
    case timeline::Repair::none:
      break;
  }
  return kNudged;
}

// May come with every frame.
bool is_frequent(size_t index) {
  return index == kNudged || index >= kFalseKey;
}

}  // namespace

void ClockReport::note(TrackId track, const timeline::Stamp& stamp) {
  if (stamp.repair == timeline::Repair::none) return;
  const size_t index = index_of(stamp.repair);
  add(track, index, stamp.before_ns, stamp.after_ns);
}

void ClockReport::note_composition(TrackId track, int64_t sent_ns) {
  add(track, kComposition, sent_ns, 0);
}

void ClockReport::note_loss(TrackId track, int64_t before_ns, int64_t after_ns) {
  add(track, kLoss, before_ns, after_ns);
}

void ClockReport::note_key(TrackId track, bool is_key, int64_t sent_ns) {
  add(track, is_key ? kHiddenKey : kFalseKey, sent_ns, sent_ns);
}

void ClockReport::add(TrackId track, size_t index, int64_t before_ns, int64_t after_ns) {
  Kind& kind = kinds_[track][index];
  any_[track] = true;
  if (kind.count++ > 0) return;
  kind.before_ns = before_ns;
  kind.after_ns = after_ns;
}

std::optional<ClockNote> ClockReport::take(TrackId track, int64_t mono_us, bool all) {
  if (!any_[track]) return std::nullopt;
  bool left = false;
  for (size_t index = 0; index < kKinds; ++index) {
    Kind& kind = kinds_[track][index];
    if (kind.count == 0) continue;
    const int64_t every_us = is_frequent(index) ? kNudgeReportUs : kJumpReportUs;
    if (!all && kind.told_us && mono_us - *kind.told_us < every_us) {
      left = true;
      continue;
    }
    kind.told_us = mono_us;
    return ClockNote{kNames[index], std::exchange(kind.count, 0), kind.before_ns / kMsNs,
                     kind.after_ns / kMsNs};
  }
  any_[track] = left;
  return std::nullopt;
}

}  // namespace headgate::ticketsrc
