// SPDX-License-Identifier: LGPL-2.1-or-later
// One source pad: its caps, its timestamps, its list of this wake-up.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <optional>
#include <string>

#include <timeline/sample_clock.h>
#include <timeline/session_timeline.h>

#include "session.h"

namespace headgate::ticketsrc {

// The poller's, except for the pad itself.
class OutPad {
 public:
  // Makes the pad; the caller activates it and adds it to the element.
  OutPad(GstPadTemplate* templ, TrackId track);

  struct Begin {
    std::string stream_id;  // of the session; the pad's own is behind a slash
    guint group = 0;
    GstClockTime base = 0;        // running time of the session's zero
    GstEvent* session = nullptr;  // sticky; lives as long as the session
  };
  // A session begins: GAP for the time since the last one, stream-start, caps, segment, session event. For
  // the first one before the pad is added, as GStreamer wants it. Without a configuration the last one stays.
  void begin(const Begin& begin, const codec::Track* config);

  // The caps of what follows.
  void configure(const codec::Track& config);
  // Puts a frame behind what is there, at the time that the timeline gave it.
  void put(Item&& item, const timeline::Stamp& stamp);
  void push();  // the list; see flow()
  // Nothing comes up to here (of the session): for a track that is not there.
  void gap_until(GstClockTime time);
  void push_event(GstEvent* event) { gst_pad_push_event(pad_, event); }

  GstPad* pad() const { return pad_; }  // the element's
  GstFlowReturn flow() const { return flow_; }
  GstClockTime base() const { return base_; }
  GstClockTime end() const { return end_; }

 private:
  void set_config(const codec::Track& config);

  GstPad* pad_;
  TrackId track_;
  codec::Track config_;
  gst::Ref<GstCaps> caps_;                        // of config_
  gst::Ref<GstBufferList> list_;                  // of this wake-up
  std::optional<timeline::SampleClock> samples_;  // audio's
  GstClockTime base_ = 0;                         // of the present session
  GstClockTime end_ = 0;                          // of the last frame, from the session's zero
  bool begun_ = false;                            // a session was begun
  bool discont_ = true;                           // the next frame does not follow the one before
  GstFlowReturn flow_ = GST_FLOW_OK;
};

}  // namespace headgate::ticketsrc
