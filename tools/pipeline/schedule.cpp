// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>
#include <pipeline/schedule.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

namespace headgate::pipeline {
namespace {

constexpr int kDayS = 86'400;
constexpr unsigned kEveryDay = 0x7f;
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct Free {
  void operator()(GTimeZone* zone) const { g_time_zone_unref(zone); }
  void operator()(GDateTime* time) const { g_date_time_unref(time); }
};
using Zone = std::unique_ptr<GTimeZone, Free>;
using Time = std::unique_ptr<GDateTime, Free>;

Zone zone_of(const std::string& name) {
  return Zone(name.empty() ? g_time_zone_new_local() : g_time_zone_new_identifier(name.c_str()));
}

int64_t utc_us(GDateTime* time) {
  return g_date_time_to_unix(time) * G_USEC_PER_SEC + g_date_time_get_microsecond(time);
}

// "09:00", "09:00:30"; -1: neither.
int second_of_day(const std::string& text) {
  int hour = 0, minute = 0, second = 0, read = 0;
  const bool short_form =
      text.size() == 5 && std::sscanf(text.c_str(), "%2d:%2d%n", &hour, &minute, &read) == 2;
  const bool long_form =
      text.size() == 8 && std::sscanf(text.c_str(), "%2d:%2d:%2d%n", &hour, &minute, &second, &read) == 3;
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c == ':' || (c >= '0' && c <= '9'); });
  if ((!short_form && !long_form) || !digits || static_cast<size_t>(read) != text.size()) return -1;
  if (hour > 23 || minute > 59 || second > 59) return -1;
  return hour * 3600 + minute * 60 + second;
}

int day_of(std::string_view text) {
  const auto found = std::find(kDays.begin(), kDays.end(), text);
  return found == kDays.end() ? -1 : static_cast<int>(found - kDays.begin());
}

// 0: it is no list of days.
unsigned days_of(std::string_view text) {
  unsigned out = 0;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view one = text.substr(0, comma);
    const size_t dash = one.find('-');
    const int first = day_of(one.substr(0, dash));
    const int last = dash == std::string_view::npos ? first : day_of(one.substr(dash + 1));
    if (first < 0 || last < 0) return 0;
    for (int day = first;; day = (day + 1) % 7) {
      out |= 1u << day;
      if (day == last) break;
    }
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

// Of the zone's clocks, at a moment of UTC, in seconds.
int64_t offset_at(GTimeZone* zone, int64_t utc_s) {
  return g_time_zone_get_offset(zone, g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, utc_s));
}

// UTC µs of the date's `second`, as the zone's clocks show it; 86,400 and more are the day after. Not
// g_date_time_new(): that makes one moment of all times that clocks skip.
std::optional<int64_t> moment(const Zone& zone, GDateTime* date, int second) {
  Time midnight(g_date_time_new_utc(g_date_time_get_year(date), g_date_time_get_month(date),
                                    g_date_time_get_day_of_month(date), 0, 0, 0));
  if (!midnight) return std::nullopt;
  const int64_t shown_s = g_date_time_to_unix(midnight.get()) + second;
  const int64_t before = offset_at(zone.get(), shown_s - kDayS),
                after = offset_at(zone.get(), shown_s + kDayS);
  const bool only_after =
      offset_at(zone.get(), shown_s - before) != before && offset_at(zone.get(), shown_s - after) == after;
  return (shown_s - (only_after ? after : before)) * G_USEC_PER_SEC;
}

}  // namespace

Result<void> Schedule::add(const std::string& from, const std::string& until, const std::string& days,
                           const std::string& zone) {
  if (daily_.size() + moments_.size() >= kMaxTimes)
    return Unexpected("is one of more than " + std::to_string(kMaxTimes) + " times");
  const int from_s = second_of_day(from), until_s = second_of_day(until);
  if (from_s >= 0 && until_s >= 0) {
    Daily daily{from_s, until_s > from_s ? until_s : until_s + kDayS,
                days.empty() ? kEveryDay : days_of(days), zone};
    if (daily.days == 0) return Unexpected("\"" + days + "\" are no days: \"mon-fri\", \"sat,sun\"");
    if (!zone_of(zone))
      return Unexpected("\"" + zone + "\" is no time zone of this machine: \"Europe/Brussels\"");
    daily_.push_back(daily);
    return {};
  }
  Time first(g_date_time_new_from_iso8601(from.c_str(), nullptr));
  Time last(g_date_time_new_from_iso8601(until.c_str(), nullptr));
  if (!first || !last)
    return Unexpected("\"from\" and \"until\" are not both \"HH:MM\", or both \"2026-09-14T06:00:00Z\"");
  if (!days.empty() || !zone.empty()) return Unexpected("\"days\" and \"zone\" are for times of the day");
  const Window window{utc_us(first.get()), utc_us(last.get())};
  if (window.end_us <= window.begin_us) return Unexpected("\"until\" is not after \"from\"");
  moments_.push_back(window);
  return {};
}

// Every one that is running or begins within kLookAheadDays, and single moments.
std::vector<Window> Schedule::all_near(int64_t now_us) const {
  std::vector<Window> out = moments_;
  for (const Daily& daily : daily_) {
    Zone zone = zone_of(daily.zone);
    Time utc(g_date_time_new_from_unix_utc(now_us / G_USEC_PER_SEC));
    if (!zone || !utc) continue;
    Time here(g_date_time_to_timezone(utc.get(), zone.get()));
    // From two days ago on: one that began then, and lasts for most of two days, may still run.
    for (int day = -2; day <= kLookAheadDays; ++day) {
      Time date(g_date_time_add_days(here.get(), day));
      if (!date || (daily.days >> (g_date_time_get_day_of_week(date.get()) - 1) & 1) == 0) continue;
      const auto begin = moment(zone, date.get(), daily.from_s),
                 end = moment(zone, date.get(), daily.until_s);
      if (begin && end && *end > *begin) out.push_back({*begin, *end});
    }
  }
  return out;
}

std::optional<Window> Schedule::at_or_after(int64_t now_us) const {
  std::vector<Window> all = all_near(now_us);
  std::erase_if(all, [now_us](const Window& one) { return one.end_us <= now_us; });
  if (all.empty()) return std::nullopt;
  std::sort(all.begin(), all.end(), [](const Window& a, const Window& b) { return a.begin_us < b.begin_us; });
  Window out = all.front();
  for (const Window& one : all)
    if (one.begin_us <= out.end_us) out.end_us = std::max(out.end_us, one.end_us);
  return out;
}

}  // namespace headgate::pipeline
