// SPDX-License-Identifier: LGPL-2.1-or-later
// The encoded request pads `video` and `audio_0` of an element and the Recorder behind them: events, caps,
// timestamps, flushing, waiting. What comes out is handed to the element's `deliver` in order and without a
// lock.
//
// Lock order: EncodedInput::mutex_, then the outbox's. Neither is held over a push, a post, a signal or a
// query.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "names.h"
#include "outbox.h"
#include "recorder.h"
#include "ref.h"

namespace headgate::gst {

// Sees what comes, beside the recorder: on the pads' streaming threads, without a lock, before the recorder
// has it. May wait where no source is live.
class InputTap {
 public:
  virtual ~InputTap() = default;
  virtual void caps(codec::Kind kind, GstCaps* caps) = 0;
  // Times are running time in ns and may be negative.
  virtual void frame(codec::Kind kind, GstBuffer* buffer, int64_t dts_ns, int64_t pts_ns, bool key,
                     bool live) = 0;
  virtual void session(codec::Kind kind, const store::RunInfo& info) = 0;
  virtual void session_end(codec::Kind kind) = 0;  // the source has no more for now
  virtual void flush(codec::Kind kind) = 0;
  virtual void end(codec::Kind kind) = 0;
  // What comes falls behind real time on its way to the source, or does not any more.
  virtual void uplink(codec::Kind kind, bool late) = 0;
};

// What of the input is recorded; the rest only moves time on.
struct Recorded {
  bool video = true, audio = true;
  bool is(codec::Kind kind) const { return kind == codec::Kind::video ? video : audio; }
};

class EncodedInput {
 public:
  using Deliver = std::function<void(std::vector<Output>&&)>;
  // `element` outlives this. `on_eos` is called once when every pad has seen EOS, after all output.
  EncodedInput(GstElement* element, Deliver deliver, std::function<void()> on_eos);
  ~EncodedInput();

  // Class initialisation: the two request templates, `video` and `audio_%u`.
  static void add_templates(GstElementClass* klass);
  // The element's request_new_pad and release_pad; null when there is such a pad already.
  GstPad* request_pad(GstPadTemplate* templ, const char* name);
  void release_pad(GstPad* pad);
  bool has_pads() const;

  bool has_pad(codec::Kind kind) const;

  // READY → PAUSED and back. stop() ends the run and delivers what comes of it. `tap`, if any, outlives
  // stop().
  Result<void> start(RecorderSettings settings, InputTap* tap = nullptr, Recorded recorded = {});
  void stop();
  RecorderStats stats() const;

  // Latency of what is linked to the pads, for the element's query function.
  bool query_latency(GstQuery* query) const;
  // An upstream event sent to the element goes to every pad's peer. Takes ownership.
  bool send_upstream(GstEvent* event) const;

 private:
  struct Pad;
  static GstFlowReturn on_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static GstFlowReturn on_chain_list(GstPad* pad, GstObject* parent, GstBufferList* list);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static GstPadLinkReturn on_link(GstPad* pad, GstObject* parent, GstPad* peer);
  static void on_unlink(GstPad* pad, GstObject* parent);
  static gboolean on_activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode, gboolean active);
  static void on_opened(GstElement* element, gpointer self);

  bool handle_event(Pad& pad, Ref<GstEvent> event);
  bool handle_caps(Pad& pad, GstCaps* caps);
  GstFlowReturn take(Pad& pad, Ref<GstBuffer> buffer);
  void push_unit(Pad& pad, Ref<GstBuffer> buffer);
  void show(Pad& pad, GstBuffer* buffer);
  void hold_back(Pad& pad, std::unique_lock<std::mutex>& lock);
  void ask_if_live(GstPad* pad);
  void set_flushing(Pad& pad, bool flushing);
  void watch_opening();
  void forget_deadline();
  bool after_input();
  bool drain();
  std::vector<Ref<GstPad>> pads() const;

  GstElement* element_;
  Deliver deliver_;
  std::function<void()> on_eos_;
  struct EndOfStream {};
  Outbox<std::variant<Output, EndOfStream>> outbox_;
  mutable std::mutex mutex_;                // everything below
  std::condition_variable moved_;           // a track moved, a run was opened, or a pad is flushing
  std::vector<std::unique_ptr<Pad>> pads_;  // changed by request and release only
  std::unique_ptr<Recorder> recorder_;      // between start() and stop()
  RecorderStats last_stats_;                // of the recorder that was
  std::function<void()> wake_;              // has on_opened() called, on a thread of its own
  GstClockID open_deadline_ = nullptr;      // wakes when a run that is being opened is given up
  InputTap* tap_ = nullptr;                 // read without the lock, too: set by start() alone
  Recorded recorded_;
  std::atomic<bool> live_{false};  // a source upstream is live: its thread must not be blocked
  bool eos_told_ = false;
};

}  // namespace headgate::gst
