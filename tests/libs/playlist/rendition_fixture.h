// SPDX-License-Identifier: LGPL-2.1-or-later
// A source's index, and that of a rung beside it.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include <playlist/hls.h>
#include <playlist/rendition_index.h>

#include "records.h"

namespace headgate::playlist {

class RenditionIndexTest : public testing::Test {
 protected:
  void of_source(const Record& record) {
    source_.add(record);
    rung_.follow(source_);
  }
  void of_rung(const Record& record) { rung_.add(record, source_); }
  static SegmentRecord rung_segment(uint64_t msn, double from, double length = 2) {
    SegmentRecord out = test::segment(msn, from, length, "bb", "derived/720p/r/0.mp4");
    out.length /= 5;
    return out;
  }
  static PartRecord rung_part(uint64_t msn, uint32_t index) {
    PartRecord out = test::part(msn, index);
    out.file = "derived/720p/r/0.mp4";
    return out;
  }
  void begin() {
    of_source(test::run("20261121T050000Z-n01-0001", 0, 0));
    of_source(test::init("aa", "r1/0.mp4"));
  }
  void begin_rung(uint64_t first = 0) {
    of_rung(test::run("20261121T050000Z-n01-0101", first, 0));
    of_rung(test::init("bb", "derived/720p/r/0.mp4"));
  }
  std::string shape() const {
    std::string out;
    for (const Segment& one : rung_.index().segments())
      out += std::to_string(one.record.msn) + (one.record.length == 0 ? "- " : " ");
    return out;
  }
  std::string text() const { return media_playlist(rung_.index(), {}); }

  StreamIndex source_{{180'000, 60'000}};
  RenditionIndex rung_{{180'000, 60'000}};
};

}  // namespace headgate::playlist
