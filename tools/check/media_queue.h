// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads a media playlist's initialisation sections, segments and parts, one after the other, and holds them
// to what the playlist says.
#pragma once

#include <check/run.h>

#include <deque>
#include <map>
#include <set>

#include <conformance/segment_checker.h>

namespace headgate::check {

inline constexpr size_t kMaxQueued =
    256;  // of a live playlist; the oldest are left out when loading is too slow
inline constexpr size_t kLiveSegments = 3;  // before the end, to begin with
inline constexpr size_t kMaxHints = 16;     // that are waited for

class MediaQueue {
 public:
  MediaQueue(Run& run, std::string where) : run_(run), where_(std::move(where)) {}

  // What is new in a reading. `base`: the playlist's URL.
  void take(const conformance::MediaPlaylist& playlist, const std::string& base);
  const conformance::SegmentChecker& checker() const { return checker_; }
  bool idle() const { return jobs_.empty() && !loading_; }
  uint64_t segments() const { return segments_; }
  uint64_t parts() const { return parts_; }

 private:
  struct Job {
    conformance::Segment segment;  // the part's parent as it was listed, too
    std::optional<size_t> part;    // absent: the segment
    conformance::SegmentChecker::Context context;
    std::string base;
  };
  struct Hinted {
    bool done = false;
    Answer answer;
  };
  void queue(const conformance::Segment& segment, std::optional<size_t> part,
             const conformance::MediaPlaylist& of, const std::string& base);
  void queue_parts(const conformance::Segment& segment, const conformance::MediaPlaylist& of,
                   const std::string& base);
  void ask_for_hint(const conformance::MediaPlaylist& playlist, const std::string& base);
  void next();
  void load(const conformance::Resource& resource, const std::string& base, HttpClient::Done done);
  void loaded_init(const conformance::Resource& map, const Answer& answer);
  void loaded(const Answer& answer);
  bool from_hint(const conformance::Resource& resource);

  Run& run_;
  std::string where_;
  conformance::SegmentChecker checker_;
  std::deque<Job> jobs_;
  bool loading_ = false, begun_ = false;
  std::optional<uint64_t> last_segment_;                  // queued
  std::optional<std::pair<uint64_t, size_t>> last_part_;  // queued
  std::set<std::string> bad_inits_;                       // were told
  std::map<std::string, Hinted> hints_;                   // by URL
  uint64_t segments_ = 0, parts_ = 0;
};

}  // namespace headgate::check
