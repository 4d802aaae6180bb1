// SPDX-License-Identifier: LGPL-2.1-or-later
// What the network carries, held against what the plan's publishers send. What viewers take goes the other
// way.
#include <cmath>

#include "checks.h"

namespace headgate::preflight {
namespace {

constexpr double kMegabit = 1e6;

std::string mbps_text(double mbps) {
  return std::to_string(static_cast<int64_t>(std::ceil(mbps))) + " Mbit/s";
}

}  // namespace

Outcome check_network(Context& context) {
  double speed = static_cast<double>(context.config.capacity_limits.link_mbps);
  std::string measured = speed > 0 ? mbps_text(speed) + " (--link-mbps)" : "", unknown;
  if (speed <= 0)
    for (const NetworkCard& card : context.machine.network_cards()) {
      if (card.mbps) {
        speed += static_cast<double>(*card.mbps);
        measured += (measured.empty() ? "" : ", ") + card.name + " " + std::to_string(*card.mbps) + " Mbit/s";
      } else {
        unknown += (unknown.empty() ? "" : ", ") + card.name;
      }
    }
  if (measured.empty())
    return Outcome::skip((unknown.empty() ? std::string("no network card tells its speed")
                                          : unknown + " does not tell its speed") +
                         "; --link-mbps gives it");
  // One more could carry the rest: nobody knows.
  const bool all_known = unknown.empty();
  if (!all_known) measured += ", of " + unknown + " not known";
  const Plan& plan = context.plan;
  const double needed = plan.bytes_per_second() * 8 / kMegabit;
  Outcome out;
  out.measured = measured + (plan.any() ? "; the plan has " + mbps_text(needed) : "");
  const double limit = static_cast<double>(context.config.capacity_limits.link_percent);
  if (needed > speed && all_known)
    out.fail("the plan has " + std::to_string(plan.streams) + " streams of " + std::to_string(plan.kbps) +
                 " kbit/s, " + mbps_text(needed) + ", and the network carries " + mbps_text(speed),
             "take a faster card, or spread the stations over more nodes");
  else if (needed > speed)
    out.warn("the plan has " + mbps_text(needed) + ", and those cards that tell carry " + mbps_text(speed),
             "say with --link-mbps what all carry together");
  else if (limit > 0 && needed * 100 > limit * speed)
    out.warn("the plan takes more than " + std::to_string(context.config.capacity_limits.link_percent) +
                 " % of the network: new stations will be refused then (--full-link)",
             "take a faster card, or spread the stations over more nodes");
  return out;
}

}  // namespace headgate::preflight
