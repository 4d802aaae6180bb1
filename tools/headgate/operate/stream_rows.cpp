// SPDX-License-Identifier: LGPL-2.1-or-later
#include "stream_rows.h"

#include <base/clock.h>
#include <glib.h>
#include <health/conditions.h>

#include <algorithm>
#include <cmath>

#include "json_words.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr double kNs = 1e9, kUs = 1e6;

double seconds_since(const std::string& utc, int64_t now_utc_us) {
  const int64_t then = utc_us_of(utc);
  return then == 0 ? std::nan("") : std::max(0.0, static_cast<double>(now_utc_us - then) / kUs);
}

Alarm alarm_of(health::Level level) {
  return level == health::Level::now ? Alarm::error : Alarm::warning;
}

// Words for the health column.
class Findings {
 public:
  void add(Alarm alarm, const std::string& word) {
    alarm_ = std::max(alarm_, alarm);
    text_ += (text_.empty() ? "" : " ") + word;
  }
  Alarm alarm() const { return alarm_; }
  const std::string& text() const { return text_; }

 private:
  Alarm alarm_ = Alarm::none;
  std::string text_;
};

void judge(const Json& stream, StreamRow& row) {
  Findings findings;
  if (row.state == "waiting") findings.add(Alarm::warning, "away");
  row.late_s = std::nan("");
  const Json& health = stream.at("health");
  if (row.state == "live" && health.is_object()) {
    health.each("streams", [&](const Json& track) {
      const double late = track.number("lateness") / kNs;
      if (!std::isnan(late) && late >= 0)
        row.late_s = std::isnan(row.late_s) ? late : std::max(row.late_s, late);
    });
    for (const auto& condition : health::kConditions) {
      bool holds = health.truth(condition.name);
      health.each("streams", [&](const Json& track) { holds |= track.truth(condition.name); });
      if (holds) findings.add(alarm_of(condition.level), condition.name);
    }
    if (findings.text().empty()) findings.add(Alarm::none, "good");
  }
  row.alarm = findings.alarm();
  row.health = findings.text();
}

}  // namespace

std::string StreamRow::size() const {
  return std::isnan(width) ? "-" : number_text(width) + "x" + number_text(height);
}

std::vector<StreamRow> stream_rows(const Json& node, int64_t now_utc_us) {
  std::map<int64_t, std::string> sessions;
  node.each("sessions",
            [&](const Json& one) { sessions[one.integer("station")] = scalar_text(one.at("session")); });
  std::vector<StreamRow> out;
  node.each("streams", [&](const Json& one) {
    StreamRow row;
    row.station = one.integer("station");
    row.event = one.integer("event");
    row.state = one.text("state");
    row.since_s = seconds_since(one.text("since_utc"), now_utc_us);
    row.kbps = one.number("kbps");
    row.fps = one.number("fps");
    row.width = one.number("width");
    row.height = one.number("height");
    row.gaps = one.number("gaps");
    row.sessions = one.number("sessions");
    row.archived_s = one.number("duration_s");
    row.peer = one.text("peer");
    row.protocol = one.text("protocol");
    if (auto session = sessions.find(row.station); session != sessions.end()) row.session = session->second;
    judge(one, row);
    out.push_back(std::move(row));
  });
  return out;
}

std::vector<SessionRow> session_rows(const Json& node, int64_t now_utc_us) {
  std::vector<SessionRow> out;
  node.each("sessions", [&](const Json& one) {
    SessionRow row;
    row.session = scalar_text(one.at("session"));
    row.station = one.integer("station");
    row.event = one.integer("event");
    row.worker = one.integer("worker");
    row.peer = one.text("peer");
    row.protocol = one.text("protocol");
    row.user_agent = one.text("user_agent");
    row.since_s = seconds_since(one.text("since_utc"), now_utc_us);
    row.kbps = one.number("kbps");
    row.received_bytes = one.number("received_bytes");
    out.push_back(std::move(row));
  });
  return out;
}

int64_t utc_us_of(const std::string& text) {
  GDateTime* time = text.empty() ? nullptr : g_date_time_new_from_iso8601(text.c_str(), nullptr);
  if (!time) return 0;
  const int64_t us = g_date_time_to_unix(time) * 1'000'000 + g_date_time_get_microsecond(time);
  g_date_time_unref(time);
  return us;
}

int64_t now_utc_us() {
  return system_clock().utc_us();
}

}  // namespace headgate::cli
