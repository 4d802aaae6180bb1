// SPDX-License-Identifier: LGPL-2.1-or-later
// What GStreamer's caps say of a codec::Track. The other way: track_finder.h.
#pragma once

#include <gst/gst.h>

#include <codec/track.h>

#include "ref.h"

namespace headgate::gst {

// For pad templates: everything that has a codec::Codec, in the form in which MP4 stores it.
inline constexpr char kVideoCaps[] =
    "video/x-h264, stream-format = (string) avc, alignment = (string) au; "
    "video/x-h265, stream-format = (string) hvc1, alignment = (string) au; "
    "video/x-vp9; "
    "video/x-av1, stream-format = (string) obu-stream, alignment = (string) tu";
inline constexpr char kAudioCaps[] =
    "audio/mpeg, mpegversion = (int) 4, stream-format = (string) raw; audio/x-opus; audio/x-flac; "
    "audio/x-ac3; audio/x-eac3";

// Exact caps of a track: profile and level from the parameter sets. `codec_data` is the record that MP4 has,
// except OpusHead (RFC 7845, 5.1) for Opus and "fLaC" with STREAMINFO for FLAC.
Ref<GstCaps> caps_of(const codec::Track& track);

}  // namespace headgate::gst
