// SPDX-License-Identifier: LGPL-2.1-or-later
// The element's settings, as properties have them.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include <base/result.h>
#include <ladder/rungs.h>

#include "ladder/encoders.h"

namespace headgate::abrhlssink {

struct Settings {
  std::string location, uri_prefix;
  uint64_t playlist_ns = 60 * GST_SECOND;
  uint64_t part_ns = 500 * GST_MSECOND, segment_ns = 2 * GST_SECOND;
  uint64_t max_segment_ns = 0;  // 0: twice the shortest
  std::string rungs, active_rungs = "all";
  std::string root, node = "n01";
  uint64_t keep_ns = 0;
  bool on_demand = false;
  uint64_t idle_ns = 30 * GST_SECOND;
  EncoderSettings encoder;
  double loudness = 0;

  uint64_t longest_segment_ns() const { return max_segment_ns != 0 ? max_segment_ns : 2 * segment_ns; }
};

enum Property {
  kLocation = 1,
  kUriPrefix,
  kPlaylistLength,
  kPartDuration,
  kSegmentDuration,
  kMaxSegmentDuration,
  kRungs,
  kActiveRungs,
  kRoot,
  kNode,
  kRetention,
  kOnDemand,
  kIdleTimeout,
  kEncoder,
  kEncoderPreset,
  kEncoderThreads,
  kEncoderOptions,
  kEncoderTimeout,
  kLoudness,
  kStats,
};

void install_properties(GObjectClass* klass);
// With the object lock. False: there is no such property.
bool set_setting(Settings& settings, guint id, const GValue* value);
bool get_setting(const Settings& settings, guint id, GValue* value);

// What `active-rungs` says: nothing for "all", none for "none", or names of rungs separated by commas.
std::optional<std::set<std::string>> active_rungs(const std::string& text);

}  // namespace headgate::abrhlssink
