// SPDX-License-Identifier: LGPL-2.1-or-later
// The raw request pads `raw_video` and `raw_audio`: pictures and sound of which only a ladder is made. There
// is no source rung then; where segments begin says a RawClock, of the pictures if there are any.
//
// Lock order: RawInput::mutex_ is a leaf.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <codec/track.h>
#include <fmp4/packager.h>

#include "common/ref.h"
#include "ladder/ladder.h"
#include "raw_clock.h"

namespace headgate::abrhlssink {

class RawInput {
 public:
  using OnRecords = std::function<void(const std::vector<playlist::Record>&)>;
  // `element` outlives this. `on_records`: where segments lie, before the ladder is told, on a pad's thread.
  // `on_eos` is called once when every pad that is left has seen EOS.
  RawInput(GstElement* element, OnRecords on_records, std::function<void()> on_eos);
  ~RawInput();

  // Class initialisation: the two request templates.
  static void add_templates(GstElementClass* klass);
  static bool is_template(GstPadTemplate* templ);
  // The element's request_new_pad and release_pad; null when there is such a pad already, and between start()
  // and stop(). False: it is none of these. One that is released has ended.
  GstPad* request_pad(GstPadTemplate* templ);
  bool release_pad(GstPad* pad);
  bool has_pads() const;
  bool has_pad(codec::Kind kind) const;

  // READY → PAUSED, and back once the pads' threads have ended. `ladder` lives in between.
  void start(Ladder* ladder, const fmp4::PackagerSettings& packager);
  void stop();
  // Latency of what is linked to the pads; an upstream event to their peers (takes ownership).
  bool query_latency(GstQuery* query) const;
  bool send_upstream(GstEvent* event) const;

 private:
  struct Pad;
  static GstFlowReturn on_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer);
  static gboolean on_event(GstPad* pad, GstObject* parent, GstEvent* event);
  static gboolean on_query(GstPad* pad, GstObject* parent, GstQuery* query);
  GstFlowReturn take(Pad& pad, GstBuffer* buffer);
  void handle_event(Pad& pad, GstEvent* event);
  void tell(const RawClock::Step& step);
  void tell_records(const std::vector<playlist::Record>& records);
  void end_kind(codec::Kind kind);
  void end(Pad& pad);
  std::vector<gst::Ref<GstPad>> pads() const;

  GstElement* element_;
  const OnRecords on_records_;
  const std::function<void()> on_eos_;
  Ladder* ladder_ = nullptr;                     // set by start() alone
  codec::Kind clock_kind_ = codec::Kind::video;  // of the pad that is the clock; set by start() alone
  std::optional<RawClock> clock_;                // of that pad's thread
  std::atomic<bool> live_{false};                // a source upstream is: its thread must not be blocked
  mutable std::mutex mutex_;                     // below
  bool started_ = false;
  std::vector<std::unique_ptr<Pad>> pads_;  // changed by request and release only
};

}  // namespace headgate::abrhlssink
