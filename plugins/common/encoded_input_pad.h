// SPDX-License-Identifier: LGPL-2.1-or-later
// Private to EncodedInput.
#pragma once

#include "encoded_input.h"
#include "track_finder.h"

namespace headgate::gst {

struct EncodedInput::Pad {
  EncodedInput* owner = nullptr;
  Ref<GstPad> pad;
  codec::Kind kind = codec::Kind::video;
  Recorder::Track* track = nullptr;  // while a recorder exists
  GstSegment segment{};
  TrackFinder finder;  // streaming thread
  bool flushing = false;
};

}  // namespace headgate::gst
