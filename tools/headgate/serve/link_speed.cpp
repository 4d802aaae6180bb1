// SPDX-License-Identifier: LGPL-2.1-or-later
#include "link_speed.h"

#include <base/kernel_text.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace headgate::serve {

int64_t link_speed(const std::string& card) {
  return std::max<int64_t>(0, kernel_number(card + "/speed").value_or(0));
}

SpeedOf speeds_aside(Looks<std::string, int64_t>::Look look) {
  auto looks = std::make_shared<Looks<std::string, int64_t>>(std::move(look), kSpeedAgeMs, "link-speeds");
  return [looks](const std::string& card, int64_t now_ms) {
    const auto seen = looks->of(card, now_ms);
    return seen ? seen->look : 0;
  };
}

}  // namespace headgate::serve
