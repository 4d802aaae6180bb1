// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads a media playlist as a player does, and holds successive ones against each other by the rules of
// RFC 8216. Shares nothing with the renderer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace headgate::test {

struct ListedSegment {
  std::string uri, map, range;
  double duration = 0;
  uint64_t msn = 0, discontinuity = 0;  // sequence numbers
  std::optional<int64_t> date_ms;       // since the epoch
  bool gap = false;                     // has no `map` of its own
};

struct ParsedPlaylist {
  uint64_t target = 0, media_sequence = 0, discontinuity_sequence = 0;
  int version = 0;
  bool independent = false, ended = false;
  std::string type;
  std::vector<ListedSegment> segments;
  std::vector<std::string> faults;
};

ParsedPlaylist parse_playlist(const std::string& text);

// Feed it each version of one live playlist; returns what breaks a rule, with its section.
class LiveChecker {
 public:
  std::vector<std::string> check(const std::string& text);

 private:
  std::optional<ParsedPlaylist> last_;
  std::map<uint64_t, ListedSegment> seen_;  // by msn
};

}  // namespace headgate::test
