// SPDX-License-Identifier: LGPL-2.1-or-later
// What is to be seen or heard in one stream, from samples of it (docs/health.md).
#pragma once

#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <content/judge.h>

#include "common/ref.h"
#include "frame_size.h"
#include "inspector.h"

namespace headgate::healthprobe {

struct ContentSettings {
  int64_t interval =
      0;  // ns between two pictures that are looked at, sound twice as often; 0: content is not looked at
  unsigned budget = 50;  // thousandths of a core, for all streams of the process together
};

class Watch : public std::enable_shared_from_this<Watch> {
 public:
  static constexpr size_t kSoundFrames = 24;  // of a sample: half a second of AAC

  // `changed` is called by the inspector's thread, at times now(), when a condition began or ended.
  Watch(const ContentSettings& settings, std::function<void()> changed);
  ~Watch();
  Watch(const Watch&) = delete;

  // One at a time, as the stream's events and buffers come. Caps of a codec that cannot be decoded: the
  // stream is not looked at.
  void set_caps(GstCaps* caps);
  void saw(GstBuffer* buffer, bool key, int64_t now);
  void restart();

  // Into the stream's structure (docs/health.md).
  void describe(GstStructure* stream, int64_t now) const;

 private:
  enum class Kind : uint8_t { none, picture, sound };
  void saw_frame(GstBuffer* buffer, bool key, int64_t now);
  void heard_frame(GstBuffer* buffer, int64_t now);
  // By the inspector's thread.
  void look(GstCaps* caps, GstBuffer* key_frame, std::optional<uint32_t> between, int64_t at, uint64_t epoch);
  void listen(GstCaps* caps, const std::vector<gst::Ref<GstBuffer>>& frames, int64_t at, uint64_t epoch);

  const ContentSettings settings_;
  const std::function<void()> changed_;

  // Of those who call saw().
  Kind kind_ = Kind::none;
  gst::Ref<GstCaps> caps_;
  std::optional<NalFormat> format_;
  Between between_;
  std::vector<gst::Ref<GstBuffer>> sound_;
  int64_t last_ = INT64_MIN;  // when the last sample was begun
  const std::shared_ptr<Inspector::Cost> cost_ = std::make_shared<Inspector::Cost>(Inspector::kFirstGuessNs);

  mutable std::mutex mutex_;  // of all below; a leaf
  uint64_t epoch_ = 0;        // what was sampled before a restart is of another stream
  content::Judge judge_;
  uint64_t samples_ = 0, undecodable_ = 0;
  int64_t sampled_at_ = 0;
};

}  // namespace headgate::healthprobe
