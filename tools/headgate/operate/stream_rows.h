// SPDX-License-Identifier: LGPL-2.1-or-later
// NODE (docs/api.md) as rows: what `streams`, `sessions`, `status` and `top` show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <base/json.h>

namespace headgate::cli {

// What a person is to look at: worst last.
enum class Alarm { none, warning, error };

// Numbers are NaN where the node does not know them.
struct StreamRow {
  int64_t station = 0, event = 0;
  std::string state;   // live, waiting, ended
  double since_s = 0;  // so long in this state
  double kbps = 0, fps = 0, width = 0, height = 0;
  double late_s = 0;  // the worst of its tracks
  double gaps = 0, sessions = 0, archived_s = 0;
  std::string peer, protocol;
  std::string session;  // the present one's id, or empty
  Alarm alarm = Alarm::none;
  std::string health;  // "good", or what is wrong in a few words; empty: nothing is known

  std::string size() const;  // "1280x720"
};

struct SessionRow {
  std::string session;
  int64_t station = 0, event = 0, worker = 0;
  std::string peer, protocol, user_agent;
  double since_s = 0, kbps = 0, received_bytes = 0;
};

std::vector<StreamRow> stream_rows(const Json& node, int64_t now_utc_us);
std::vector<SessionRow> session_rows(const Json& node, int64_t now_utc_us);

// RFC 3339 to microseconds since 1970; 0 when it is none.
int64_t utc_us_of(const std::string& text);
int64_t now_utc_us();

}  // namespace headgate::cli
