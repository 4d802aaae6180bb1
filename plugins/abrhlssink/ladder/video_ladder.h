// SPDX-License-Identifier: LGPL-2.1-or-later
// The video rungs of one source: decoded once, at a constant frame rate, each rung scaled from a larger one
// that runs, or from the source, an encoder per rung. Rungs start and stop by themselves, at the beginning of
// a segment.
//
// Threads: take() is the feeder's, pictures come on the decoder's, units on the encoders'. want(), pause()
// and resume() are for any. Lock order: none is held over a call to another object.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ladder/pacer.h>
#include <ladder/plan.h>
#include <ladder/rate_watch.h>
#include <playlist/record.h>

#include "ladder/encoders.h"
#include "ladder/feeder.h"
#include "ladder/rendition_out.h"
#include "ladder/scaler.h"
#include "ladder/stage.h"
#include "ladder/stills.h"
#include "ladder/video_rung.h"

namespace headgate::abrhlssink {

// Rungs have a key frame wherever the source has one, since which of them begin a segment is not always
// foretold; of those that come faster than this only where a segment should begin. The store looks for a
// rung's key frame as far from where it should be.
inline constexpr int64_t kShortestGopNs = 240'000'000;

// A decoder that fails is started again with the next key frame; after so many times without a whole segment
// between them no more, until other caps.
inline constexpr unsigned kMaxDecoderFailures = 5;

// Why a rung is paused.
enum class PauseCause : uint8_t {
  processors,  // the machine falls behind
  encoder,     // its own is slower than the source, and nobody waits for a processor
  threads,     // nor does anybody where what feeds the encoders is: it decodes and scales in so many threads
  source,      // that comes late
};
// Of one that goes while the source comes `late`, while others wait for processors, or because its own
// encoder is slower than the source.
PauseCause pause_cause(bool late, bool short_of_processors, bool slow_encoder);
const char* name_of(PauseCause cause);  // of the message's `cause`
const char* text_of(PauseCause cause);

struct RungNews {
  std::string rendition;
  const char* state = "";  // idle, running, paused, stopped, failed, dropped
  std::string reason;
  // What the rendition is, where it has a place in the ladder.
  std::optional<playlist::RenditionRecord> record{};
  const char* cause = "";  // of what is paused: name_of()
};

class VideoLadder {
 public:
  using Tell = std::function<void(const RungNews&)>;
  // `on_thread`: of decoder, encoders and stills; called as long as an encoder lives that hangs.
  VideoLadder(std::vector<ladder::Rung> rungs, EncoderSettings settings, UnitSink sink, Tell tell,
              OnThread on_thread = {});
  ~VideoLadder();  // stop()

  // Also a small picture of each segment (stills.h); before the first take().
  void make_stills() { stills_ = std::make_unique<Stills>(sink_, &Stills::jpegenc, on_thread_); }

  void take(Input input);
  // Encoders are waited for (the source is not live); otherwise one that stands still is passed over.
  void may_wait(bool may) { may_wait_ = may; }
  // Nothing waits any more; what is in decoder and encoders is lost. take() must have returned for the last
  // time, or return now.
  void release();
  void stop();

  // Which rungs are to run, by name; nothing: all. One that is not wanted is not paused any more.
  void want(std::optional<std::set<std::string>> names);
  // Tells of rungs that do not run and are not wanted any more; without locks.
  void tell_unwanted();
  // The largest that runs and whose own encoder is strained (patience.h); or else, or where it is the source
  // that comes `late`, the largest. `short_of_processors`: it is not what encodes that is slow, but the
  // machine. Then: the smallest that is paused.
  void pause_one(bool late, bool short_of_processors);
  void resume_one();
  struct Counts {
    size_t running = 0, paused = 0;
    bool slow = false;  // one that runs is, by itself
  };
  Counts counts() const;
  // Names of rungs that are encoded now.
  std::vector<std::string> running() const;
  uint64_t pictures() const { return pictures_; }
  // As far as it was looked at.
  std::optional<ladder::SourcePicture> source() const;
  // It is not what nobody asks for: it is paused, or its encoders have failed.
  bool cannot_run(const std::string& name) const;
  // Something is decoded, or is to be.
  bool busy() const { return decodes_ || anything_wanted(); }

 private:
  struct Slot {
    ladder::PlannedRung plan;
    std::shared_ptr<VideoRung> rung;  // runs
    std::vector<std::shared_ptr<VideoRung>> leaving;
    Slot* larger = nullptr;  // it is scaled from this one's picture; none: from the source's
    std::unique_ptr<Scaler> scaler;
    gst::Ref<GstBuffer> last;     // the newest picture, to be shown again
    EncoderSettings encoder;      // with the name of the one that is used
    std::set<std::string> tried;  // encoders that are out of the question
    unsigned failures = 0;        // of this one in a row
    unsigned hangs = 0;           // likewise
  };
  enum class Wish : uint8_t { run, pause, stop };

  void read_caps();
  void measure_source();
  void start_decoder();
  void finish_decoder();
  void note_decoder_failure();
  void feed(EncodedFrame frame);
  void feed_early();
  void drain(std::chrono::seconds longest);
  void picture(GstSample* sample);
  // What becomes of a picture.
  struct Cut {
    bool key = false;      // of rungs
    bool segment = false;  // one should begin with it
  };
  void note_cut(const EncodedFrame& frame);
  Cut cut_at(int64_t time_ns);
  ladder::Plan plan_for(const ladder::SourcePicture& source);
  void replan(const GstVideoInfo& info);
  void announce();
  void tell(const ladder::PlannedRung& rung, const EncoderSettings& encoder, const char* state,
            const std::string& reason, const char* cause = "");
  void tell(const Slot& slot, const char* state, const std::string& reason, const char* cause = "") {
    tell(slot.plan, slot.encoder, state, reason, cause);
  }
  void reconcile(bool boundary);
  bool start(Slot& slot);
  void leave(Slot& slot, const char* reason);
  void retire(const std::shared_ptr<VideoRung>& rung, const char* reason);
  void give_up(Slot& slot, Wish wanted);
  void note_failure(Slot& slot, const std::string& error, bool hung);
  void connect();
  void show(GstBuffer* picture, int64_t time_ns, Cut cut);
  void repeat(int64_t time_ns);
  void follow_rate();
  void take_still(GstBuffer* picture, const GstVideoInfo& info, int64_t time_ns);
  void finish_rungs(const char* reason, std::chrono::seconds longest);
  std::chrono::seconds drain_time() const;
  Wish wish(const std::string& name) const;
  bool is_wanted(const std::string& name) const { return !wanted_ || wanted_->count(name) != 0; }
  bool anything_wanted() const;
  void note_running();
  const VideoRung* runs(const std::string& name) const;  // and is to; with the lock

  const std::vector<ladder::Rung> rungs_;
  const EncoderSettings settings_;
  const UnitSink sink_;
  const Tell tell_;
  const OnThread on_thread_;

  // The feeder's thread.
  gst::Ref<GstCaps> caps_;
  // As the caps have it. The decoder's thread reads it, too: it changes while there is none.
  ladder::SourcePicture coded_;
  bool rate_is_told_ = false;  // of raw pictures: nothing has to be found out
  std::unique_ptr<Stage> decoder_;
  std::optional<ladder::RateFinder> finder_;
  std::vector<EncodedFrame> early_;  // until the frame rate is known
  bool given_up_ = false;            // no decoder for this
  unsigned decoder_failures_ = 0;    // in a row
  bool segment_begun_ = false;       // the decoder was given the beginning of one
  std::optional<int64_t> last_cut_ns_;

  // The decoder's thread; the feeder's while there is no decoder.
  GstVideoInfo info_{};
  bool planned_ = false;
  std::vector<Slot> slots_;                         // larger before smaller
  std::vector<std::shared_ptr<VideoRung>> ending_;  // whose encoders are being stopped
  std::optional<ladder::Pacer> pacer_;
  ladder::RateFinder::Rate rate_;
  std::optional<ladder::RateWatch> watch_;
  std::optional<ladder::RateFinder::Rate> followed_;  // found later than the first one
  bool chain_is_old_ = true;
  std::unique_ptr<Stills> stills_;  // none: not wanted
  bool announced_ = false;          // what the caps make of the rungs

  mutable std::mutex mutex_;  // below; a leaf
  std::condition_variable changed_;
  std::deque<std::pair<int64_t, Cut>> cuts_;     // by PTS of frames in the decoder
  std::optional<std::set<std::string>> wanted_;  // nothing: all
  std::map<std::string, PauseCause> paused_;     // of those that are wanted, and why
  // Of those that are told to be paused: what is told once nobody wants them.
  std::map<std::string, playlist::RenditionRecord> told_paused_;
  std::vector<std::string> running_;              // larger before smaller
  std::vector<std::shared_ptr<VideoRung>> live_;  // to be released
  std::optional<ladder::SourcePicture> source_;   // that was planned for last
  std::set<std::string> dropped_;                 // by the plan, or failed for good
  std::set<std::string> failed_;                  // those of them that have
  bool decoder_ended_ = false, decoder_failed_ = false;
  std::atomic<bool> released_{false}, may_wait_{true};
  std::atomic<uint64_t> pictures_{0};
  std::atomic<bool> decodes_{false};  // there is a decoder, or are encoders
};

}  // namespace headgate::abrhlssink
