// SPDX-License-Identifier: LGPL-2.1-or-later
// What the boxes of a segment say (fmp4/views.h): read by a thread of its own, as a disk may be slow, and
// without the media between them. In the loop's thread.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <base/result.h>
#include <fmp4/views.h>
#include <playlist/track_facts.h>

#include "disk.h"
#include "media_files.h"

namespace headgate::origin {

inline constexpr size_t kMaxSegmentViews = 1024;  // kept; the one not asked for longest goes
inline constexpr size_t kSegmentsInAStep = 64;    // then those of others have their turn

class SegmentBoxes {
 public:
  SegmentBoxes(Loop& loop, MediaFiles& media) : media_(media), disk_(loop, "boxes") {}

  // Where each track lies; at once when it was asked for before. Errors: MediaFiles::find's; ENODATA when the
  // bytes are no segment.
  using ViewPtr = std::shared_ptr<const fmp4::SegmentView>;
  using OnView = std::function<void(Result<ViewPtr>)>;
  void find(const playlist::SegmentRecord& segment, OnView done);

  // By media sequence number. Of a segment that cannot be read, all is zero; one that may be readable later
  // is left out.
  using Facts = std::vector<std::pair<uint64_t, playlist::SegmentFacts>>;
  // Urgent ones (few) go before the others. `done` is called later.
  void learn(std::vector<playlist::SegmentRecord> segments, bool urgent, std::function<void(Facts)> done);

 private:
  using Key = std::pair<std::string, uint64_t>;  // file and offset
  struct Entry {
    ViewPtr view;
    std::list<Key>::iterator used;
  };
  void keep(const Key& key, const ViewPtr& view);

  MediaFiles& media_;
  std::map<Key, Entry> views_;
  std::list<Key> used_;  // of views_, used last first
  std::map<Key, std::vector<OnView>> wanted_;
  Disk disk_;  // last: nothing of it runs when the others go
};

}  // namespace headgate::origin
