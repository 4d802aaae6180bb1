// SPDX-License-Identifier: LGPL-2.1-or-later
// The element's encoded pads into a Ladder, and what the ladder tells onto the bus.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/encoded_input.h"
#include "ladder/ladder.h"

namespace headgate::abrhlssink {

class LadderInput final : public gst::InputTap {
 public:
  using Take = std::function<void(std::vector<Renditions::Out>&&)>;
  // `take`: renditions' records, on any thread and in order. `wake`: Renditions::advance() has something to
  // do; on a thread of the store, perhaps after this is gone. `element` outlives this.
  LadderInput(GstElement* element, LadderSettings settings, Take take, std::function<void()> wake);
  ~LadderInput() override;
  Ladder& ladder() { return *ladder_; }
  // The `stats` property. Transfer full.
  GstStructure* stats() const;

  void caps(codec::Kind kind, GstCaps* caps) override { ladder_->caps(kind, caps); }
  void frame(codec::Kind kind, GstBuffer* buffer, int64_t dts_ns, int64_t pts_ns, bool key,
             bool live) override {
    ladder_->frame(kind, buffer, dts_ns, pts_ns, key, live);
  }
  void session(codec::Kind kind, const store::RunInfo& info) override;
  void flush(codec::Kind kind) override { ladder_->flush(kind); }
  void end(codec::Kind kind) override { ladder_->end(kind); }
  void uplink(codec::Kind kind, bool late) override { ladder_->uplink(kind, late); }

 private:
  void tell(const RungNews& news);

  GstElement* element_;
  std::unique_ptr<Ladder> ladder_;
};

}  // namespace headgate::abrhlssink
