// SPDX-License-Identifier: LGPL-2.1-or-later
// A stream's ladder: what comes in on the element's encoded pads is decoded, scaled and encoded again, and
// written as renditions in step with the source's segments.
//
// Threads: take() and the like are each of the streaming thread of their kind, which does no more than to
// queue. Everything else is for any.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmp4/packager.h>
#include <ladder/relief.h>
#include <ladder/rungs.h>

#include "ladder/audio_rung.h"
#include "ladder/boundaries.h"
#include "ladder/demand.h"
#include "ladder/feeder.h"
#include "ladder/node_turns.h"
#include "ladder/renditions.h"
#include "ladder/video_ladder.h"

namespace headgate::abrhlssink {

// The source's own sound as a rendition, where the source's pictures are written without it.
inline constexpr char kPassedAudio[] = "audio";

struct LadderSettings {
  std::vector<ladder::Rung> rungs;
  EncoderSettings encoder;
  RenditionSettings renditions;
  fmp4::PackagerSettings packager;  // of whoever writes the source
  bool pictures = false;            // kPictures is written
  bool pass_audio = false;          // kPassedAudio is written
  double loudness = 0;              // of audio rungs, LUFS; 0: as it is
  int64_t idle_ns = 0;  // video rungs are encoded on demand, until nobody has asked for so long; 0: always
  bool sound_on_demand = false;  // audio rungs are, too
};

struct LadderStats {
  std::vector<std::string> running;  // video rungs that are encoded now
  uint64_t pictures = 0;             // decoded
  uint64_t dropped_frames = 0;       // of the source, left out because encoding fell behind
  int64_t waiting_ms = 0;            // media that came and was not decoded yet
};

class Ladder {
 public:
  struct Events {
    std::function<void(std::vector<Renditions::Out>&&)> records;
    std::function<void(const RungNews&)> news;
    std::function<void()> wake;  // advance() has something to do; on a thread of the store
    OnThread thread{};  // of those that decode and encode; perhaps after stop(), of an encoder that hangs
  };
  Ladder(LadderSettings settings, Events events);
  ~Ladder();  // stop()

  void caps(codec::Kind kind, GstCaps* caps);
  // Times are running time. `live`: nobody waits; what cannot be kept up with gives way.
  void frame(codec::Kind kind, GstBuffer* buffer, int64_t dts_ns, int64_t pts_ns, bool key, bool live);
  // The same, of frames of which it is known where segments begin; one at a time.
  void put(codec::Kind kind, EncodedFrame frame, bool live);
  // Nothing of this kind follows for now, and then a segment: what was given comes out of decoders and
  // encoders, so that the rungs have all of the source's last segment. Waits for nothing.
  void drain(codec::Kind kind);
  void end(codec::Kind kind);
  // Whose it is: with other numbers, rungs come back at other times.
  void source(uint32_t event, uint32_t station);
  // What follows begins a segment.
  void session(codec::Kind kind);
  // The source comes late on its way here, or does not any more: of the pictures only the smallest go on.
  void uplink(codec::Kind kind, bool late);
  // What was given and is not decoded yet is left out.
  void flush(codec::Kind kind);
  // Calls `done` once everything that was given before end() has become records: now, or on another thread.
  void when_drained(std::function<void()> done);

  Renditions& renditions() { return renditions_; }
  // Video rungs that may be encoded, by name; nothing: all.
  void activate(Demand::Names names);
  // Somebody asks for this one.
  void ask(const std::string& name);
  // What is wanted by now. While nothing is decoded somebody has to call this now and then, or what is paused
  // stays so. Not with a lock that news or records take.
  void look();
  // On demand: rungs are wanted, or have not stopped yet.
  bool busy();
  // On demand, while it is not busy and nothing comes: has no threads until something does.
  void rest();
  // What there would be of such a source, said of the rungs that are not encoded.
  void announce(const playlist::InitRecord& source);
  LadderStats stats() const;
  // Streaming threads of the element wait no more.
  void release();
  void stop();

 private:
  void take_audio(Input input);
  void start_sound(AudioRung& rung);
  void stop_sound(AudioRung& rung);
  void tell_sound(const ladder::Rung& rung, const char* state, const std::string& reason,
                  playlist::RenditionState is);
  bool wants_sound(const std::string& name);
  void pass(const EncodedFrame& frame);
  void tell(const RungNews& news);
  void relieve();
  void update_wishes();
  void ended();

  const LadderSettings settings_;
  const Events events_;
  Renditions renditions_;
  VideoLadder video_;
  Boundaries boundaries_;  // the video's thread
  // The audio feeder's thread; whoever calls rest() when that has none.
  std::vector<std::unique_ptr<AudioRung>> audio_;
  gst::Ref<GstCaps> sound_caps_;
  gst::TrackFinder pass_finder_;
  bool passing_ = false;  // its track is known
  std::mutex mutex_;      // below; a leaf
  Demand demand_;
  NodeTurns turns_;
  ladder::Relief relief_;
  uint32_t channels_ = 0;              // of the source that was announced
  std::set<std::string> begun_sound_;  // audio rungs that are encoded, or cannot be
  unsigned ending_ = 0;                // ends that have not come through
  std::function<void()> drained_;
  std::atomic<bool> live_{false};
  std::unique_ptr<Feeder> video_feeder_, audio_feeder_;
};

}  // namespace headgate::abrhlssink
