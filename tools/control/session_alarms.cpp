// SPDX-License-Identifier: LGPL-2.1-or-later
#include "session_alarms.h"

#include <base/json_line.h>

#include <string>
#include <string_view>

namespace headgate::control {

void SessionAlarms::refused(const wire::SessionClosed& refused, uint32_t worker, int64_t now_us) {
  if (!refused.reason.starts_with(wire::kTooManyErrorsFront)) return;
  std::erase_if(last_us_, [now_us](const auto& one) { return now_us - one.second >= kAlarmPauseUs; });
  const std::pair station{refused.event, refused.station};
  const bool told = last_us_.contains(station);
  if (told || last_us_.size() < kMaxAlarms) last_us_[station] = now_us;
  if (told) return;
  const std::string why = refused.reason.substr(std::string_view("error:").size());
  log_.add("session.alarm", kError,
           "station " + std::to_string(refused.station) + ": " + why +
               "; it is refused until there are fewer within the last minute",
           JsonLine()
               .field("event", refused.event)
               .field("station", refused.station)
               .field("worker", worker)
               .field("reason", why)
               .take());
}

}  // namespace headgate::control
