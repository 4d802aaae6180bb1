// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads one Representation's segments, one after the other, and holds them to what the MPD says.
#pragma once

#include <check/run.h>

#include <deque>

#include <conformance/dash_media.h>

namespace headgate::check {

class DashQueue {
 public:
  DashQueue(Run& run, std::string where, bool live) : run_(run), where_(std::move(where)), live_(live) {}

  // What is new in a reading. `base`: the MPD's URL; `now_utc`: for segments by number.
  void take(const conformance::Mpd& mpd, const conformance::MpdPeriod& period,
            const conformance::MpdRepresentation& one, const std::string& base, conformance::Micros now_utc);
  bool idle() const { return jobs_.empty() && !loading_; }
  std::string row() const;
  std::string json() const;

 private:
  void next();
  void loaded(const conformance::ListedSegment& job, const Answer& answer);

  Run& run_;
  std::string where_, base_;
  bool live_;
  conformance::DashMedia media_;
  conformance::MpdRepresentation one_;
  conformance::Micros min_buffer_ = 0;
  std::deque<conformance::ListedSegment> jobs_;
  std::optional<uint64_t> last_time_;  // queued
  bool loading_ = false, asked_init_ = false, begun_ = false;
  uint64_t segments_ = 0, bytes_ = 0;
};

}  // namespace headgate::check
