// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder_cost.h"

#include <ladder/budget.h>
#include <ladder/plan.h>
#include <ladder/rungs.h>

namespace headgate::preflight {

std::string value_of(const pipeline::Description& description, const std::vector<std::string>& set,
                     const std::string& name) {
  const pipeline::Parameter* parameter = description.parameter(name);
  if (!parameter) return "";
  std::string value = parameter->preset.value_or("");
  for (const std::string& one : set)
    if (one.starts_with(name + "=")) value = one.substr(name.size() + 1);
  return value;
}

uint64_t ladder_pixels(const pipeline::Description& description, const std::vector<std::string>& set) {
  if (value_of(description, set, "rungs-on-demand") == "true") return 0;
  const auto rungs = ladder::parse_rungs(value_of(description, set, "rungs"));
  if (!rungs || rungs->empty()) return 0;
  const uint32_t lines = rungs->front().lines, width = lines * 16 / 9;  // 0: sound alone
  std::vector<ladder::DemandedRung> costs;
  const auto cost = [&costs](uint64_t pixels, uint64_t decoded) {
    ladder::DemandedRung one;
    one.pixels = pixels;
    one.decoded = decoded;
    costs.push_back(one);
  };
  for (const auto& planned : ladder::make_plan(*rungs, {.width = width, .height = lines}).rungs)
    cost(ladder::pixel_rate(planned.width, planned.height, ladder::kUsualRateMilli),
         ladder::pixel_rate(width, lines, ladder::kUsualRateMilli));
  for (const ladder::Rung& rung : *rungs)
    if (rung.is_audio()) cost(ladder::kSoundPixels, 0);
  return ladder::demanded_pixels(costs);
}

}  // namespace headgate::preflight
