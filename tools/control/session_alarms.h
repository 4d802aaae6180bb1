// SPDX-License-Identifier: LGPL-2.1-or-later
// Stations whose sessions end with an error so often that their worker refuses the next: an event each, once
// for as long as that goes on. Of a pipeline of the node's own, which is started again, the supervisor tells
// (instance.alarm). In the loop's thread.
#pragma once

#include <wire/messages.h>

#include <cstdint>
#include <map>
#include <utility>

#include "event_log.h"

namespace headgate::control {

inline constexpr int64_t kAlarmPauseUs = 60'000'000;  // without a refusal: the next is an alarm again
inline constexpr size_t kMaxAlarms = 10'000;          // stations; of more it is told each time

class SessionAlarms {
 public:
  explicit SessionAlarms(EventLog& log) : log_(log) {}
  // A hand-over to this worker has come to nothing, for whatever reason. `now_us` never goes back.
  void refused(const wire::SessionClosed& refused, uint32_t worker, int64_t now_us);

 private:
  EventLog& log_;
  std::map<std::pair<uint32_t, uint32_t>, int64_t> last_us_;  // by event and station
};

}  // namespace headgate::control
