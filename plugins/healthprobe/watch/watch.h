// SPDX-License-Identifier: LGPL-2.1-or-later
// What is to be seen or heard in one stream, from samples of it (docs/health.md).
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <base/bytes.h>
#include <content/judge.h>

#include "av_ptr.h"
#include "common/ref.h"
#include "frame_size.h"
#include "inspector.h"

namespace headgate::healthprobe {

struct ContentSettings {
  // ns between two pictures that are looked at, sound twice as often; 0: content is not looked at
  int64_t interval = 0;
  unsigned budget = 50;  // thousandths of a core, for all streams of the process together
  bool pictures = true;  // those that are wanted are made
  content::ContentThresholds thresholds{};
};

class Watch : public std::enable_shared_from_this<Watch> {
 public:
  static constexpr size_t kSoundFrames = 24;  // of a sample: half a second of AAC

  // Called by the inspector's thread.
  struct Events {
    std::function<void()> changed;                  // a condition began or ended
    std::function<void(ByteVector jpeg)> pictured;  // what want_picture() wanted
    std::function<void(bool begins)> thread{};      // it works for this stream alone, until it ends that
  };
  Watch(const ContentSettings& settings, Events events);
  ~Watch();
  Watch(const Watch&) = delete;

  // One at a time, as the stream's events and buffers come. Caps of a codec that cannot be decoded: the
  // stream is not looked at.
  void set_caps(GstCaps* caps);
  void saw(GstBuffer* buffer, bool key, int64_t now);
  void restart();

  // The next key frame that the budget allows is to be a small JPEG as well: of the one picture that is
  // decoded for both. Any thread. Where it cannot be had nothing comes, until it is wanted again.
  void want_picture() { picture_wanted_ = true; }

  // Into the stream's structure (docs/health.md): what is looked at.
  void describe(GstStructure* stream, int64_t now) const;

 private:
  enum class Kind : uint8_t { none, picture, sound };
  void saw_frame(GstBuffer* buffer, bool key, int64_t now);
  void heard_frame(GstBuffer* buffer, int64_t now);
  // By the inspector's thread.
  struct Sample {
    gst::Ref<GstCaps> caps;
    gst::Ref<GstBuffer> key_frame;
    std::optional<uint32_t> between;
    int64_t at = 0;
    uint64_t epoch = 0;
    bool pictured = false;  // somebody wants it
  };
  void look(const Sample& sample);
  bool judge(const Sample& sample, const AVFrame* picture);
  void listen(GstCaps* caps, const std::vector<gst::Ref<GstBuffer>>& frames, int64_t at, uint64_t epoch);

  const ContentSettings settings_;
  const Events events_;
  std::atomic<bool> picture_wanted_ = false;

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
