// SPDX-License-Identifier: LGPL-2.1-or-later
// A key frame into luma, a few frames of sound into samples, by libavcodec: nothing is kept between two of
// them, so that what decoders need is needed once per process.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <span>

#include <content/picture.h>
#include <content/sound.h>

#include "av_ptr.h"

namespace headgate::healthprobe {

// True: libavcodec has a decoder for what these caps say: H.264, H.265, AV1, VP9; AAC, Opus, AC-3, E-AC-3,
// FLAC.
bool can_decode(const GstCaps* caps);

// The picture of a key frame. Null: it could not be decoded. Any thread.
FramePtr decode_picture(const GstCaps* caps, GstBuffer* key_frame);
// `look` sees its luma while it is called. False: it has another layout than one of 8 to 16 bits with luma
// apart.
bool look_at_luma(const AVFrame& picture, const std::function<void(const content::Luma&)>& look);

// The sound of `frames`, which follow each other, without the first kOverlapFrames: those need what came
// before them. False: it could not be decoded.
inline constexpr size_t kOverlapFrames = 2;
bool decode_sound(const GstCaps* caps, std::span<GstBuffer* const> frames, content::Ear& ear);

}  // namespace headgate::healthprobe
