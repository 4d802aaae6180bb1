// SPDX-License-Identifier: LGPL-2.1-or-later
// The element's encoded pads into a Ladder, and what the ladder tells onto the bus.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/encoded_input.h"
#include "ladder/archive_feed.h"
#include "ladder/ladder.h"

namespace headgate::abrhlssink {

class LadderInput final : public gst::InputTap {
 public:
  using Take = std::function<void(std::vector<Renditions::Out>&&)>;
  // `take`: renditions' records, on any thread and in order. `wake`: Renditions::advance() has something to
  // do; on a thread of the store, perhaps after this is gone. `forgo`: this rendition will not be made, for
  // now or of this source; on any thread. `element` outlives this.
  LadderInput(GstElement* element, LadderSettings settings, Take take, std::function<void()> wake,
              std::function<void(const std::string&)> forgo);
  ~LadderInput() override;
  Ladder& ladder() { return *ladder_; }
  // Its frames are read from the files under `root` that the source's records name, and not from encoded
  // pads.
  void read_from(const std::string& root);
  // Of the source, in order.
  void source_records(const std::vector<playlist::Record>& records);
  void source_time(const store::StreamTime& time);
  void ask(const std::string& rendition);
  // Calls `done` once everything that was given has become records: now, or on another thread.
  void when_drained(std::function<void()> done);
  void release();
  void stop();
  // The `stats` property. Transfer full.
  GstStructure* stats() const;

  void caps(codec::Kind kind, GstCaps* caps) override { ladder_->caps(kind, caps); }
  void frame(codec::Kind kind, GstBuffer* buffer, int64_t dts_ns, int64_t pts_ns, bool key,
             bool live) override {
    ladder_->frame(kind, buffer, dts_ns, pts_ns, key, live);
  }
  void session(codec::Kind kind, const store::RunInfo& info) override;
  void session_end(codec::Kind kind) override { ladder_->drain(kind); }
  void flush(codec::Kind kind) override { ladder_->flush(kind); }
  void end(codec::Kind kind) override { ladder_->end(kind); }
  void uplink(codec::Kind kind, bool late) override { ladder_->uplink(kind, late); }

 private:
  void tell(const RungNews& news);
  void place(const playlist::InitRecord& init);

  GstElement* element_;
  const std::function<void(const std::string&)> forgo_;
  std::unique_ptr<Ladder> ladder_;
  std::unique_ptr<ArchiveFeed> feed_;  // none: frames come on encoded pads
};

}  // namespace headgate::abrhlssink
