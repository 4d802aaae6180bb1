// SPDX-License-Identifier: LGPL-2.1-or-later
// What a session's ladder says of itself (docs/elements.md, headgate-ladder): which renditions are paused,
// since when and why, and how many are encoded whether or not somebody asks. No clock, no GStreamer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <playlist/record.h>

namespace headgate::tools {

// Why one is paused, for programs: `cause` of the message.
inline constexpr char kOfProcessors[] = "processors";

struct LadderNews {
  std::string rendition;  // empty: all
  std::string state, reason;
  std::string cause;  // of what is paused
};

class LadderState {
 public:
  // True: paused_json() is another.
  bool told(const LadderNews& news, int64_t utc_us);
  // Of a derived rendition.
  void told(const std::string& rendition, const playlist::RenditionRecord& record);

  // A list of {"rendition","reason","cause","since_utc"}; empty: none is.
  std::string paused_json() const;
  struct Load {
    size_t rungs = 0;   // of pictures, that are encoded all the time, or would be
    size_t paused = 0;  // of them, for want of processors
  };
  Load load() const;

 private:
  struct Paused {
    std::string reason, cause;
    int64_t since_utc_us = 0;
  };
  std::map<std::string, Paused> paused_;  // by rendition
  std::set<std::string> always_;          // renditions
};

}  // namespace headgate::tools
