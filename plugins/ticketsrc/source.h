// SPDX-License-Identifier: LGPL-2.1-or-later
// What ticketsrc does: sessions one after the other, from a listener or from a descriptor that was handed
// over, pushed from the shared poller's thread. The element holds one and forwards its state changes.
//
// Locks: the poller's per-client mutex is held during on_tick() and so over pushes, as a stream lock would
// be. requests_ and stats_ are leaves, never held over a call out.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <base/guarded.h>
#include <store/run_writer.h>
#include <timeline/lateness.h>
#include <timeline/session_timeline.h>

#include "clock_report.h"
#include "listener.h"
#include "out_pad.h"
#include "poller.h"
#include "session.h"

namespace headgate::ticketsrc {

struct SourceSettings {
  unsigned tick_ms = 50;
  int64_t idle_us = 10'000'000;
  int64_t late_ns = 3'000'000'000;  // behind real time: the publisher is told; 0: never
  bool once = false;                // EOS after a session; always so for one that was handed over
};

struct SourceStats {
  uint64_t bytes = 0, video_frames = 0, audio_frames = 0;  // all sessions
  uint64_t repairs = 0;                                    // of timestamps
  uint64_t sessions = 0, refused = 0;
  int64_t late_ms = 0;  // of the session that is running: behind real time
  bool late = false;    // and told so
  int64_t last_media_mono_us = 0;
  bool connected = false;
  std::optional<LinkReport> link;  // of the present session, or the last
};

// The session that is running.
struct LiveSession {
  std::unique_ptr<Session> session;
  store::RunInfo info;
  uint64_t serial = 0;
  gst::Ref<GstEvent> event;                           // headgate-session, the same one on all pads
  std::optional<timeline::SessionTimeline> timeline;  // from the first frame on
  uint64_t frames[kTracks] = {};
  std::optional<int64_t> last_sender_ns[kTracks];  // Item::sender_ns of the last frame
  ClockReport clock_report;
  timeline::Uplink uplink;
  bool begun = false;           // pads have its stream-start
  int64_t silent_since_us = 0;  // last_frame_us() of the silence that was told
};

class Source : public PollClient {
 public:
  // The element outlives this. `prepare_pad` is called for each new pad before it is activated.
  Source(GstElement* element, void (*prepare_pad)(GstPad*)) : element_(element), prepare_pad_(prepare_pad) {}
  ~Source() override;

  // From the application's thread, in this order.
  void start(const SourceSettings& settings);  // READY → PAUSED
  void play();                                 // PAUSED → PLAYING
  void pause();                                // PLAYING → PAUSED: does not wait for a push under way
  void stop();  // PAUSED → READY, after the pads were deactivated: waits, drops session and pads
  // This is the thread that pushes: it cannot wait for itself in stop().
  bool on_streaming_thread() const { return tick_thread_ == std::this_thread::get_id(); }

  // Any thread.
  void offer(Offer offer, Listener* listener);  // a session; the present one is superseded
  void end_session(std::string reason);
  void ask_to_reconnect(std::string url, std::string text);
  void refused(const store::RunInfo& info, const std::string& text);
  SourceStats stats() const { return *stats_.lock(); }
  // Counted up at the beginning and at the end of each tick: odd while the poller's thread is at work for
  // this source, downstream included. Outlives this; null: none.
  void count_service(std::atomic<uint64_t>* word) { service_ = word; }

  void on_tick(std::span<std::byte> scratch) override;

 private:
  struct Requests {
    std::optional<Offer> offer;
    std::optional<std::string> end;
    std::optional<std::pair<std::string, std::string>> reconnect;  // URL, text
    Listener* listener = nullptr;
  };
  void serve();
  void take_requests(Now now);
  void begin_session(Offer offer, Now now);
  void warn_of_tracks();
  void push_items(Now now);
  std::optional<int64_t> slice_end(const size_t (&next)[kTracks]) const;
  void put_slice(TrackId track, size_t& next, std::optional<int64_t> until);
  void push_pads();
  void begin_pads(Now now);
  GstClockTime running_time_of(int64_t mono_us, Now now) const;
  void add_pad(TrackId track, const codec::Track& config);
  void put(TrackId track, Item&& item);
  void tell_repairs(TrackId track, int64_t mono_us, bool all);
  void watch_lateness(Now now);
  void watch_silence(Now now);
  void check_flow();
  GstFlowReturn combined_flow() const;
  void dismiss(const std::string& text);
  void finish_session(const std::string& reason);
  void finish_stream();
  void post(GstStructure* fields);
  GstStructure* session_fields(const char* action, const store::RunInfo& info,
                               const std::string& reason) const;

  GstElement* element_;
  void (*prepare_pad_)(GstPad*);
  SourceSettings settings_;
  Poller* poller_ = nullptr;                  // while registered
  std::atomic<std::thread::id> tick_thread_;  // the one in on_tick()
  std::atomic<std::atomic<uint64_t>*> service_ = nullptr;
  std::atomic<bool> playing_ = false;
  std::atomic<bool> resumed_ = false;  // silence before this tick is nobody's fault
  Guarded<Requests> requests_;
  mutable Guarded<SourceStats> stats_;

  // The poller's:
  std::span<std::byte> scratch_;     // of the present tick
  std::optional<LiveSession> live_;  // the session that is running
  std::unique_ptr<OutPad> pads_[kTracks];
  OutPad::Begin begin_{};         // of the present session, for pads that come late
  Listener* listener_ = nullptr;  // of the present session
  guint group_ = 0;
  std::string stream_prefix_;  // of stream ids, unique in the process
  unsigned session_number_ = 0;
  GstClockTime pushed_until_ = 0;  // running time, of all sessions
  uint64_t finished_bytes_ = 0;    // received in sessions that are over
  bool no_more_pads_ = false;      // told
  bool finished_ = false;          // EOS was pushed
};

}  // namespace headgate::ticketsrc
