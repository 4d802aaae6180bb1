// SPDX-License-Identifier: LGPL-2.1-or-later
// The working part of healthprobe: pads in pairs, measuring, reporting, and the timer that notices when
// nothing comes.
//
// Lock order: mutex_, then a watch's or the inspector's; it is not held over a push, a post or a call of the
// clock.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/ref.h"
#include "stream_health.h"
#include "watch/watch.h"

namespace headgate::healthprobe {

struct ProbeSettings {
  int64_t interval = 1'000'000'000;  // ns; 0: no regular messages
  Thresholds thresholds;
  ContentSettings content;
};

class Probe {
 public:
  explicit Probe(GstElement* element) : element_(element) {}  // outlives this

  // The element's request_new_pad and release_pad. A pair of pads with the same number.
  GstPad* request_pad(const char* name);
  void release_pad(GstPad* sink);

  void play(const ProbeSettings& settings);  // PAUSED → PLAYING: measuring by the element's clock begins
  void pause();                              // and back: no timer runs any more
  void reset();                              // PAUSED → READY
  gst::StructurePtr stats() const;
  // While it plays: of each encoded video that passes the next key frame's picture is posted
  // (docs/health.md), once. Any thread.
  void want_picture();

 private:
  // A pair, and what is known of the stream that passes.
  struct Lane {
    Probe* probe = nullptr;
    unsigned number = 0;
    GstPad* sink = nullptr;  // the element's
    GstPad* src = nullptr;
    std::string kind = "other";  // video, audio
    bool reorders = false;       // PTS says nothing about order: only DTS is followed
    GstSegment segment{};
    StreamHealth health;
    std::shared_ptr<Watch> watch;  // while content is looked at, or since a picture was wanted
  };
  struct TimerData;
  struct Report {
    const char* cause = nullptr;
    gst::StructurePtr stats;
  };

  static GstFlowReturn on_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static GstFlowReturn on_chain_list(GstPad* pad, GstObject* parent, GstBufferList* list);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static GstIterator* on_links(GstPad* pad, GstObject* parent);
  static gboolean on_timer(GstClock* clock, GstClockTime time, GstClockID id, gpointer data);

  void follow_event(Lane& lane, GstEvent* event);
  GstClockTime now() const;
  void measure(Lane& lane, GstBuffer* buffer, int64_t arrival, std::vector<Report>& reports);
  void note(Change change, Lane* lane, int64_t now, std::vector<Report>& reports);
  void report_interval(int64_t now, std::vector<Report>& reports);
  bool sample_drift(int64_t now);  // true: a condition began or ended
  gst::StructurePtr stats_locked(int64_t now) const;
  void begin_watching(Lane& lane);
  void content_changed(unsigned number);
  void post_picture(unsigned number, ByteVector jpeg);
  void post(std::vector<Report>&& reports);
  void timer_fired(int64_t now);
  void arm_timer(int64_t now);

  GstElement* element_;
  mutable std::mutex mutex_;
  ProbeSettings settings_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Drift drift_;
  int64_t next_report_ = 0, next_drift_ = 0;
  gst::Ref<GstClock> clock_;  // while PLAYING
  GstClockID timer_ = nullptr;
};

}  // namespace headgate::healthprobe
