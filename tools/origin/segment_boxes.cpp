// SPDX-License-Identifier: LGPL-2.1-or-later
#include "segment_boxes.h"

#include <cerrno>

#include "segment_facts.h"

namespace headgate::origin {
namespace {

using playlist::SegmentFacts;
using playlist::SegmentRecord;

Result<fmp4::SegmentView> read_view(const FileRange& range) {
  const auto source = fmp4::source_of_file(range.fd());
  if (!source) return Unexpected(source.error());
  if (range.pieces.empty()) return Unexpected(ENODATA, range.file->name + ": an empty segment");
  auto view = fmp4::read_segment(*source, range.pieces.front().offset, range.pieces.front().length);
  if (!view) return Unexpected(ENODATA, range.file->name + ": " + view.error().message);
  return view;
}

// Segments to read, a step at a time, and what was found. In the disk's thread, with one file open at most,
// as an archive has more of them than a process has descriptors.
struct Reading {
  std::string root;
  std::vector<SegmentRecord> segments;
  size_t next = 0;
  Result<MediaFilePtr> file{nullptr};
  std::string name;        // of `file`, or of the one that cannot be opened
  uint32_t timescale = 0;  // of its audio
  SegmentBoxes::Facts facts;

  Result<SegmentFacts> read(const SegmentRecord& segment) {
    if (name != segment.file) {
      name = segment.file;
      file = open_media(root, name);
      const auto source = file ? fmp4::source_of_file((*file)->fd.get()) : Unexpected(file.error());
      timescale = source ? audio_timescale(*source) : 0;
    }
    if (!file) return Unexpected(file.error());
    if (segment.length == 0) return Unexpected(ENODATA, name + ": an empty segment");
    const FileRange range{*file, {{segment.offset, segment.length}}};
    if (auto good = range.check(); !good) return Unexpected(good.error());
    const auto source = fmp4::source_of_file(range.fd());
    if (!source) return Unexpected(source.error());
    auto facts = read_facts(*source, segment, timescale);
    if (!facts) return Unexpected(ENODATA, name + ": " + facts.error().message);
    return facts;
  }
  bool step() {
    for (size_t i = 0; i < kSegmentsInAStep && next < segments.size(); ++i) {
      const SegmentRecord& segment = segments[next++];
      const auto found = read(segment);
      if (found)
        facts.emplace_back(segment.msn, *found);
      else if (found.error().code == ENODATA || found.error().code == ENOENT)
        facts.emplace_back(segment.msn, SegmentFacts{.offset = segment.offset});
    }
    return next < segments.size();
  }
};

}  // namespace

void SegmentBoxes::keep(const Key& key, const ViewPtr& view) {
  used_.push_front(key);
  views_[key] = {view, used_.begin()};
  if (views_.size() <= kMaxSegmentViews) return;
  views_.erase(used_.back());
  used_.pop_back();
}

void SegmentBoxes::find(const SegmentRecord& segment, OnView done) {
  const Key key{segment.file, segment.offset};
  if (const auto known = views_.find(key); known != views_.end()) {
    used_.splice(used_.begin(), used_, known->second.used);
    return done(known->second.view);
  }
  auto range = media_.find(segment.file, segment.offset, segment.length);
  if (!range) return done(Unexpected(range.error()));
  auto& wanted = wanted_[key];
  wanted.push_back(std::move(done));
  if (wanted.size() > 1) return;
  disk_.run(true, [this, key, range = *std::move(range)]() -> std::function<void()> {
    auto read = read_view(range);
    Result<ViewPtr> view = read ? Result<ViewPtr>(std::make_shared<const fmp4::SegmentView>(*std::move(read)))
                                : Result<ViewPtr>(Unexpected(read.error()));
    return [this, key, view] {
      if (view) keep(key, *view);
      auto those = wanted_.extract(key);
      for (const OnView& go_on : those.mapped()) go_on(view);
    };
  });
}

void SegmentBoxes::learn(std::vector<SegmentRecord> segments, bool urgent, std::function<void(Facts)> done) {
  auto reading = std::make_shared<Reading>();
  reading->root = media_.root();
  reading->segments = std::move(segments);
  disk_.run_steps(
      urgent, [reading] { return reading->step(); },
      [reading, done = std::move(done)] { done(std::move(reading->facts)); });
}

}  // namespace headgate::origin
