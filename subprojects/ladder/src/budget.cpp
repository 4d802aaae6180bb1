// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/budget.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace headgate::ladder {
namespace {

struct Load {
  uint64_t pixels = 0;  // with decoding
  bool decodes = false;
};
using Loads = std::map<uint64_t, Load>;  // by stream

void add(Loads& loads, const DemandedRung& rung) {
  Load& load = loads[rung.stream];
  load.pixels += rung.pixels;
  if (!std::exchange(load.decodes, true)) load.pixels += rung.decoded / kDecodePart;
}

uint64_t sum(const Loads& loads) {
  uint64_t pixels = 0;
  for (const auto& [stream, load] : loads) pixels += load.pixels;
  return pixels;
}

// Of the stream that has most the largest rung that it can spare, if that is as much as is needed.
std::optional<size_t> spare(const std::vector<DemandedRung>& running, const Loads& loads,
                            const DemandedRung& asked, uint64_t would_have, uint64_t needed) {
  std::optional<size_t> best;
  uint64_t most = 0;
  for (size_t i = 0; i < running.size(); ++i) {
    const DemandedRung& rung = running[i];
    if (rung.stream == asked.stream || rung.is_leaving || rung.pixels < needed) continue;
    const auto found = loads.find(rung.stream);
    if (found == loads.end() || found->second.pixels < rung.pixels + would_have) continue;
    const bool larger = best && running[*best].stream == rung.stream && rung.pixels > running[*best].pixels;
    if (found->second.pixels > most || larger) {
      best = i;
      most = found->second.pixels;
    }
  }
  return best;
}

}  // namespace

uint64_t pixel_rate(uint32_t width, uint32_t height, uint32_t frame_rate_milli) {
  if (width == 0 || height == 0) return kSoundPixels;
  const uint64_t rate = frame_rate_milli > 0 ? frame_rate_milli : kUsualRateMilli;
  return uint64_t{width} * height * rate / 1000;
}

uint64_t demanded_pixels(const std::vector<DemandedRung>& running) {
  Loads loads;
  for (const DemandedRung& rung : running) add(loads, rung);
  return sum(loads);
}

DemandDecision decide(const std::vector<DemandedRung>& running, const DemandedRung& asked,
                      const DemandLimits& limits) {
  if (limits.pixels == 0) return {DemandVerdict::no_room, {}};
  if (running.empty())
    return {limits.rungs_of_worker > 0 ? DemandVerdict::granted : DemandVerdict::worker_full, {}};
  std::set<uint64_t> late;
  for (const DemandedRung& rung : running)
    if (rung.is_paused) late.insert(rung.stream);
  if (late.size() >= kLateStreams || late.contains(asked.stream)) return {DemandVerdict::overloaded, {}};
  const auto of_worker = std::count_if(running.begin(), running.end(),
                                       [&](const auto& rung) { return rung.worker == asked.worker; });
  if (of_worker >= static_cast<int64_t>(limits.rungs_of_worker)) return {DemandVerdict::worker_full, {}};

  Loads all, staying;
  for (const DemandedRung& rung : running) {
    add(all, rung);
    if (!rung.is_leaving) add(staying, rung);
  }
  const auto with = [&](Loads loads) {
    add(loads, asked);
    return loads;
  };
  if (sum(with(all)) <= limits.pixels) return {DemandVerdict::granted, {}};
  const Loads then = with(staying);
  if (sum(then) <= limits.pixels) return {DemandVerdict::no_room, {}};  // there will be, soon
  return {DemandVerdict::no_room,
          spare(running, staying, asked, then.at(asked.stream).pixels, sum(then) - limits.pixels)};
}

}  // namespace headgate::ladder
