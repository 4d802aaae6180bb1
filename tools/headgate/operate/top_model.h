// SPDX-License-Identifier: LGPL-2.1-or-later
// What `headgate top` shows, without a terminal: which rows, in which order, which of them is chosen.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <base/json.h>
#include "stream_rows.h"

namespace headgate::cli {

inline constexpr int kTrendSeconds = 60;

// All processes of a role together.
struct ProcessUse {
  std::string role;
  int count = 0;
  double cpu = 0;  // of one core; NaN: not known yet
  double resident_bytes = 0;
};

struct NodeFacts {
  std::string version;
  double since_s = 0;
  size_t live = 0, waiting = 0, ended = 0, alarms = 0, sessions = 0;
  double capacity = 0;  // sessions that its workers take
  double kbps = 0;
  double free_bytes = 0, full_in_s = 0;  // NaN: not known; it is not getting less
  double rungs = 0, rungs_paused = 0;
  bool draining = false;
  std::vector<ProcessUse> processes;
  std::string instances;  // pipelines of its own, by state; empty: it has none
  std::vector<std::string> notices;
};

struct TopSnapshot {
  Json json;  // NODE
  int64_t utc_us = 0, mono_us = 0;
  NodeFacts facts;
  std::vector<StreamRow> rows;
};

// Facts but for what only the machine or a second look can tell: `processes`' use and `full_in_s`.
NodeFacts node_facts(const Json& node, const std::vector<StreamRow>& rows, int64_t now_utc_us);

// Bit rates of the last minute.
class Trend {
 public:
  void add(int64_t mono_us, double kbps);
  // `width` letters, the newest at the right, from nothing to the highest of the minute.
  std::string text(int64_t mono_us, size_t width, bool utf8) const;
  double most() const;

 private:
  struct Sample {
    int64_t mono_us;
    float kbps;
  };
  std::vector<Sample> samples_;  // oldest first
};

enum class Column {
  alarm,
  station,
  state,
  since,
  kbps,
  trend,
  fps,
  size,
  late,
  gaps,
  sessions,
  health,
  peer,
  protocol
};
struct ColumnLook {
  Column column;
  const char* title;
  size_t width;  // at least
  bool right;
  int priority;    // when not all fit, the highest go first
  bool downwards;  // how one sorts by it first: the most at the top
};
const std::vector<ColumnLook>& column_looks();
// Those that fit, in their order, with the width that each gets: health takes what is left.
std::vector<ColumnLook> columns_in(size_t width);
std::string cell_text(const StreamRow& row, Column column);

class TopModel {
 public:
  void take(std::shared_ptr<const TopSnapshot> snapshot);
  const TopSnapshot* snapshot() const { return snapshot_.get(); }
  const std::vector<const StreamRow*>& rows() const { return rows_; }  // filtered and sorted
  const Trend& trend(int64_t station) const;

  Column sorted_by() const { return sort_; }
  bool downwards() const { return downwards_; }
  void sort_by(Column column);
  void next_column(int step);
  void reverse();

  const std::string& filter() const { return filter_; }
  void filter_by(std::string text);
  bool alarms_only() const { return alarms_only_; }
  void toggle_alarms_only();

  // The chosen row's index; rows().size() may be 0.
  size_t chosen_index() const { return chosen_; }
  const StreamRow* chosen() const { return chosen_ < rows_.size() ? rows_[chosen_] : nullptr; }
  void move(int64_t by);
  void move_to(size_t index);
  // To the next (1) or the one before (-1) of those with an alarm, around the end. False: there is none.
  bool move_to_alarm(int step);
  // Scrolls so that the chosen row is among `height`; the index of the first.
  size_t first_shown(size_t height);

 private:
  void arrange();
  bool wanted(const StreamRow& row) const;

  std::shared_ptr<const TopSnapshot> snapshot_;
  std::vector<const StreamRow*> rows_;
  std::unordered_map<int64_t, Trend> trends_;
  Column sort_ = Column::alarm;
  bool downwards_ = true;
  std::string filter_;  // folded
  bool alarms_only_ = false;
  size_t chosen_ = 0, first_ = 0;
  std::optional<int64_t> chosen_station_;
};

}  // namespace headgate::cli
