// SPDX-License-Identifier: LGPL-2.1-or-later
#include "top_model.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

#include "instances_table.h"
#include "status_table.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr int64_t kTrendUs = kTrendSeconds * int64_t{1'000'000};
constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::string_view kAsciiBars = ".:-=+*#@";

std::string folded(const std::string& text) {
  char* raw = g_utf8_casefold(text.c_str(), static_cast<gssize>(text.size()));
  std::string out = raw;
  g_free(raw);
  return out;
}

// What a column sorts by: a number where it has one.
double number_in(const StreamRow& row, Column column) {
  switch (column) {
    case Column::alarm:
      return static_cast<double>(row.alarm);
    case Column::since:
      return row.since_s;
    case Column::kbps:
    case Column::trend:
      return row.kbps;
    case Column::fps:
      return row.fps;
    case Column::size:
      return row.width * row.height;
    case Column::late:
      return row.late_s;
    case Column::gaps:
      return row.gaps;
    case Column::sessions:
      return row.sessions;
    default:
      return static_cast<double>(row.station);
  }
}

std::string text_in(const StreamRow& row, Column column) {
  switch (column) {
    case Column::state:
      return row.state;
    case Column::health:
      return row.health;
    case Column::peer:
      return row.peer;
    case Column::protocol:
      return row.protocol;
    default:
      return "";
  }
}

bool is_text(Column column) {
  return column == Column::state || column == Column::health || column == Column::peer ||
         column == Column::protocol;
}

}  // namespace

NodeFacts node_facts(const Json& node, const std::vector<StreamRow>& rows, int64_t now_utc_us) {
  NodeFacts facts;
  facts.version = printable(node.text("version", "-"));
  const int64_t since = utc_us_of(node.text("since_utc"));
  facts.since_s = since == 0 ? std::nan("") : static_cast<double>(now_utc_us - since) / 1e6;
  for (const StreamRow& row : rows) {
    ++(row.state == "live" ? facts.live : row.state == "waiting" ? facts.waiting : facts.ended);
    facts.alarms += row.alarm != Alarm::none;
    if (!std::isnan(row.kbps)) facts.kbps += row.kbps;
  }
  node.each("sessions", [&](const Json&) { ++facts.sessions; });
  node.each("workers", [&](const Json& worker) {
    const double capacity = worker.number("capacity");
    if (!std::isnan(capacity)) facts.capacity += capacity;
  });
  facts.free_bytes = node.at("space").number("free_bytes");
  facts.full_in_s = std::nan("");
  facts.rungs = node.at("rungs").number("running");
  facts.rungs_paused = node.at("rungs").number("paused");
  facts.draining = node.at("draining").is_object();
  facts.instances = instances_summary(node);
  facts.notices = node_notices(node, now_utc_us);
  return facts;
}

void Trend::add(int64_t mono_us, double kbps) {
  std::erase_if(samples_, [&](const Sample& one) { return one.mono_us <= mono_us - kTrendUs; });
  if (!std::isnan(kbps)) samples_.push_back({mono_us, static_cast<float>(kbps)});
}

double Trend::most() const {
  double most = 0;
  for (const Sample& one : samples_) most = std::max(most, static_cast<double>(one.kbps));
  return most;
}

std::string Trend::text(int64_t mono_us, size_t width, bool utf8) const {
  std::vector<double> sums(width, 0);
  std::vector<int> counts(width, 0);
  for (const Sample& one : samples_) {
    const int64_t age_us = std::max<int64_t>(0, mono_us - one.mono_us);
    if (age_us >= kTrendUs) continue;
    const auto at = width - 1 - static_cast<size_t>(age_us) * width / static_cast<size_t>(kTrendUs);
    sums[at] += one.kbps;
    ++counts[at];
  }
  const double highest = most();
  std::string out;
  for (size_t i = 0; i < width; ++i) {
    if (counts[i] == 0) {
      out += ' ';
      continue;
    }
    const double share = highest > 0 ? sums[i] / counts[i] / highest : 0;
    const auto level = std::min<size_t>(kBars.size() - 1, static_cast<size_t>(share * kBars.size()));
    utf8 ? out += kBars[level] : out += kAsciiBars[level];
  }
  return out;
}

const std::vector<ColumnLook>& column_looks() {
  static const std::vector<ColumnLook> kLooks = {
      {Column::alarm, "!", 1, false, 0, true},       {Column::station, "STATION", 8, true, 1, false},
      {Column::state, "STATE", 7, false, 2, false},  {Column::since, "SINCE", 7, true, 7, false},
      {Column::kbps, "KBIT/S", 7, true, 3, true},    {Column::trend, "LAST MINUTE", 12, false, 5, true},
      {Column::fps, "FPS", 5, true, 8, false},       {Column::size, "SIZE", 9, true, 10, true},
      {Column::late, "LATE", 6, true, 6, true},      {Column::gaps, "GAPS", 5, true, 9, true},
      {Column::sessions, "SESS", 4, true, 11, true}, {Column::health, "HEALTH", 14, false, 4, false},
      {Column::peer, "PEER", 21, false, 12, false},  {Column::protocol, "VIA", 5, false, 13, false}};
  return kLooks;
}

std::vector<ColumnLook> columns_in(size_t width) {
  std::vector<ColumnLook> by_priority = column_looks();
  std::sort(by_priority.begin(), by_priority.end(),
            [](const ColumnLook& a, const ColumnLook& b) { return a.priority < b.priority; });
  size_t used = 0, fitting = 0;
  while (fitting < by_priority.size()) {
    const size_t more = by_priority[fitting].width + (fitting > 0 ? 1 : 0);
    if (used + more > width) break;
    used += more;
    ++fitting;
  }
  const int last = fitting == 0 ? -1 : by_priority[fitting - 1].priority;
  std::vector<ColumnLook> out;
  for (ColumnLook look : column_looks()) {
    if (look.priority > last) continue;
    if (look.column == Column::health) look.width += width - used;
    out.push_back(look);
  }
  return out;
}

std::string cell_text(const StreamRow& row, Column column) {
  switch (column) {
    case Column::alarm:
      return row.alarm == Alarm::error ? "!" : row.alarm == Alarm::warning ? "*" : " ";
    case Column::station:
      return std::to_string(row.station);
    case Column::since:
      return short_duration(row.since_s);
    case Column::kbps:
      return number_text(row.kbps);
    case Column::fps:
      return number_text(row.fps, "%.1f");
    case Column::size:
      return row.size();
    case Column::late:
      return number_text(row.late_s, "%.1f");
    case Column::gaps:
      return number_text(row.gaps);
    case Column::sessions:
      return number_text(row.sessions);
    case Column::trend:
      return "";
    default:
      return printable(text_in(row, column));
  }
}

const Trend& TopModel::trend(int64_t station) const {
  static const Trend kNone;
  const auto found = trends_.find(station);
  return found == trends_.end() ? kNone : found->second;
}

void TopModel::take(std::shared_ptr<const TopSnapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  std::unordered_map<int64_t, Trend> trends;
  trends.reserve(snapshot_->rows.size());
  for (const StreamRow& row : snapshot_->rows) {
    Trend& trend = trends[row.station] = std::move(trends_[row.station]);
    trend.add(snapshot_->mono_us, row.kbps);
  }
  trends_ = std::move(trends);  // without stations that have gone
  arrange();
}

bool TopModel::wanted(const StreamRow& row) const {
  if (alarms_only_ && row.alarm == Alarm::none) return false;
  if (filter_.empty()) return true;
  const std::string all = std::to_string(row.station) + " " + row.state + " " + row.size() + " " +
                          row.health + " " + row.peer + " " + row.protocol + " " + row.session;
  return folded(printable(all)).find(filter_) != std::string::npos;
}

void TopModel::arrange() {
  rows_.clear();
  if (!snapshot_) return;
  for (const StreamRow& row : snapshot_->rows)
    if (wanted(row)) rows_.push_back(&row);
  std::sort(rows_.begin(), rows_.end(), [this](const StreamRow* a, const StreamRow* b) {
    if (is_text(sort_)) {
      const std::string left = text_in(*a, sort_), right = text_in(*b, sort_);
      if (left != right) return downwards_ ? left > right : left < right;
    } else {
      const double left = number_in(*a, sort_), right = number_in(*b, sort_);
      if (std::isnan(left) != std::isnan(right)) return std::isnan(right);  // the unknown last, either way
      if (left < right || right < left) return downwards_ ? left > right : left < right;
    }
    return std::tie(a->station, a->event) < std::tie(b->station, b->event);
  });
  if (chosen_station_)
    for (size_t i = 0; i < rows_.size(); ++i)
      if (rows_[i]->station == *chosen_station_) return void(chosen_ = i);
  chosen_ = rows_.empty() ? 0 : std::min(chosen_, rows_.size() - 1);
}

void TopModel::sort_by(Column column) {
  const auto& looks = column_looks();
  const auto look =
      std::find_if(looks.begin(), looks.end(), [&](const ColumnLook& one) { return one.column == column; });
  sort_ = column;
  downwards_ = look->downwards;
  arrange();
}

void TopModel::next_column(int step) {
  const auto& looks = column_looks();
  const auto count = static_cast<int>(looks.size());
  int at = 0;
  while (looks[static_cast<size_t>(at)].column != sort_) ++at;
  sort_by(looks[static_cast<size_t>((at + step + count) % count)].column);
}

void TopModel::reverse() {
  downwards_ = !downwards_;
  arrange();
}

void TopModel::filter_by(std::string text) {
  filter_ = folded(printable(text));
  arrange();
}

void TopModel::toggle_alarms_only() {
  alarms_only_ = !alarms_only_;
  arrange();
}

void TopModel::move(int64_t by) {
  const auto last = static_cast<int64_t>(rows_.size()) - 1;
  move_to(static_cast<size_t>(
      std::clamp<int64_t>(static_cast<int64_t>(chosen_) + by, 0, std::max<int64_t>(last, 0))));
}

void TopModel::move_to(size_t index) {
  if (rows_.empty()) return;
  chosen_ = std::min(index, rows_.size() - 1);
  chosen_station_ = rows_[chosen_]->station;
}

bool TopModel::move_to_alarm(int step) {
  const size_t count = rows_.size();
  for (size_t i = 1; i <= count; ++i) {
    const size_t at = step > 0 ? (chosen_ + i) % count : (chosen_ + count - i % count) % count;
    if (rows_[at]->alarm == Alarm::none) continue;
    move_to(at);
    return true;
  }
  return false;
}

size_t TopModel::first_shown(size_t height) {
  height = std::max<size_t>(height, 1);
  const size_t most = rows_.size() > height ? rows_.size() - height : 0;
  if (chosen_ < first_) first_ = chosen_;
  if (chosen_ >= first_ + height) first_ = chosen_ - height + 1;
  first_ = std::min(first_, most);
  return first_;
}

}  // namespace headgate::cli
