// SPDX-License-Identifier: LGPL-2.1-or-later
// What a pad's caps and access units say of its track. Most caps have the decoder's configuration; AV1, VP9
// and (E-)AC-3 may leave it to the stream, where it may also change without new caps. Templates:
// codec_caps.h. Not thread-safe.
#pragma once

#include <gst/gst.h>

#include <optional>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>

namespace headgate::gst {

class TrackFinder {
 public:
  // Fixed caps. The track where they say all of it; nothing: the stream is to say it. Error: caps that cannot
  // be used, with what would help.
  Result<std::optional<codec::Track>> caps(const GstCaps* caps);
  // An access unit, before it is used: the track, where it is not the one that was known.
  std::optional<codec::Track> look(Bytes unit);
  // That it can be decoded: its track is known, and it is none of the header packets that FLAC's elements
  // send before the first frame.
  bool usable(Bytes unit) const;

 private:
  std::optional<codec::Track> track_;
  codec::Codec codec_ = codec::Codec::h264;
  uint32_t frame_rate_milli_ = 0;  // as the caps have it
};

}  // namespace headgate::gst
