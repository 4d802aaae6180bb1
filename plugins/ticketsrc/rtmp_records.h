// SPDX-License-Identifier: LGPL-2.1-or-later
// What configurations the codecs of RTMP's messages have, and where: in a record, or in the frames
// themselves.
#pragma once

#include <codec/track.h>
#include <rtmp/flv.h>

namespace headgate::ticketsrc {

// These have no configuration of their own: each frame says it.
bool describes_itself(uint32_t codec);
// AV1 video descriptors of MPEG-2 TS lack the sequence header, and so do some senders' records; vpcC has no
// size; an OpusHead may be left out. What is missing stands in the first frame that can be decoded.
bool needs_frame(const rtmp::MediaHeader& header, Bytes record);
Result<codec::Track> config_of(uint32_t codec, Bytes record);
// Of a codec that describes itself.
Result<codec::Track> config_of_frame(uint32_t codec, Bytes frame);
// Whether a track can be taken that this packet begins.
bool begins_track(const rtmp::MediaHeader& header, Bytes payload);

}  // namespace headgate::ticketsrc
