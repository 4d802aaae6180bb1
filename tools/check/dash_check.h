// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole DASH presentation: its MPD, read again as it says, and all Representations side by side.
#pragma once

#include <check/dash_queue.h>

#include <map>
#include <memory>

#include <conformance/mpd_history.h>

namespace headgate::check {

inline constexpr int64_t kMpdRetryUs = 1'000'000;
inline constexpr int64_t kMpdShortestUs = 500'000;  // between two readings

class DashCheck {
 public:
  DashCheck(Run& run, const Options& options) : run_(run), options_(options) {}

  void start();
  std::vector<std::string> rows() const;
  std::string unreachable() const { return unreachable_; }
  std::string json() const;  // an array of the Representations

 private:
  void load();
  void answered(const Answer& answer);
  void take(const conformance::Mpd& mpd, const std::string& base);
  void see_end();

  Run& run_;
  Options options_;
  std::string unreachable_;
  conformance::MpdHistory history_;
  std::map<std::string, std::unique_ptr<DashQueue>> queues_;  // by Period and Representation
  uint64_t readings_ = 0;
};

}  // namespace headgate::check
