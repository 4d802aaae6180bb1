// SPDX-License-Identifier: LGPL-2.1-or-later
#include "layout.h"

#include <store/reader.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <filesystem>

namespace headgate::store {
namespace {

constexpr size_t kTimeLength = 16;  // 20260914T060000Z

template <typename T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value{};
  auto end = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

}  // namespace

std::string event_directory(uint32_t event) {
  return "lta/" + std::to_string(event);
}

std::string station_directory(uint32_t event, uint32_t station) {
  char tail[32];
  std::snprintf(tail, sizeof tail, "/st/%02x/%06u", station % 256, station);
  return event_directory(event) + tail;
}

std::string file_stem(uint32_t index) {
  char stem[16];
  std::snprintf(stem, sizeof stem, "%06u", index);
  return stem;
}

std::optional<uint32_t> media_index(std::string_view name) {
  if (name.ends_with(".part")) name.remove_suffix(5);
  if (!name.ends_with(".mp4")) return std::nullopt;
  name.remove_suffix(4);
  if (name.size() < 6 || !is_digits(name)) return std::nullopt;
  auto index = number<uint32_t>(name);
  return index && file_stem(*index) == name ? index : std::nullopt;
}

std::string RunName::text() const {
  auto seconds = static_cast<std::time_t>(ticks >> 16);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%dT%H%M%SZ", &utc);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, "%04x", static_cast<unsigned>(ticks & 0xffff));
  return std::string(time) + "-" + node + "-" + fraction;
}

std::optional<RunName> parse_run_name(std::string_view name) {
  if (name.size() < kTimeLength + 7 || name[kTimeLength] != '-' || name[name.size() - 5] != '-')
    return std::nullopt;
  std::string_view time = name.substr(0, kTimeLength);
  if (time[8] != 'T' || time[15] != 'Z' || !is_digits(time.substr(0, 8)) || !is_digits(time.substr(9, 6)))
    return std::nullopt;
  auto part = [&](size_t at, size_t length) { return *number<int>(time.substr(at, length)); };
  std::tm utc{};
  utc.tm_year = part(0, 4) - 1900;
  utc.tm_mon = part(4, 2) - 1;
  utc.tm_mday = part(6, 2);
  utc.tm_hour = part(9, 2);
  utc.tm_min = part(11, 2);
  utc.tm_sec = part(13, 2);
  std::time_t seconds = timegm(&utc);
  auto fraction = number<uint16_t>(name.substr(name.size() - 4), 16);
  if (seconds < 0 || !fraction) return std::nullopt;
  RunName out;
  out.ticks = static_cast<uint64_t>(seconds) << 16 | *fraction;
  out.node = name.substr(kTimeLength + 1, name.size() - kTimeLength - 6);
  return valid_node_name(out.node) && out.text() == name ? std::optional(out) : std::nullopt;
}

RunName run_name_at(int64_t utc_us, const std::string& node) {
  auto us = static_cast<uint64_t>(std::max<int64_t>(utc_us, 0));
  return {us / 1'000'000 << 16 | ((us % 1'000'000) << 16) / 1'000'000, node};
}

bool valid_node_name(std::string_view node) {
  return !node.empty() && node.size() <= 32 &&
         node.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == node.npos;
}

std::vector<std::string> list_directory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<uint32_t> list_stations(const std::string& root, uint32_t event) {
  std::vector<uint32_t> stations;
  std::string base = root + "/" + event_directory(event) + "/st";
  for (const std::string& shard : list_directory(base)) {
    for (const std::string& name : list_directory(base + "/" + shard)) {
      auto station = number<uint32_t>(name);
      if (station && root + "/" + station_directory(event, *station) == base + "/" + shard + "/" + name)
        stations.push_back(*station);
    }
  }
  std::sort(stations.begin(), stations.end());
  return stations;
}

std::vector<uint32_t> list_events(const std::string& root) {
  std::vector<uint32_t> events;
  for (const std::string& name : list_directory(root + "/lta")) {
    auto event = number<uint32_t>(name);
    if (event && std::to_string(*event) == name) events.push_back(*event);
  }
  std::sort(events.begin(), events.end());
  return events;
}

std::vector<std::string> list_runs(const std::string& root, uint32_t event, uint32_t station) {
  std::vector<RunName> runs;
  for (const std::string& name : list_directory(root + "/" + station_directory(event, station)))
    if (auto run = parse_run_name(name)) runs.push_back(*run);
  std::stable_sort(runs.begin(), runs.end(),
                   [](const RunName& a, const RunName& b) { return a.ticks < b.ticks; });
  std::vector<std::string> names;
  names.reserve(runs.size());
  for (const RunName& run : runs) names.push_back(run.text());
  return names;
}

}  // namespace headgate::store
