// SPDX-License-Identifier: LGPL-2.1-or-later
// A decoded picture as a small JPEG, for lists of streams.
#pragma once

#include <optional>

#include <base/bytes.h>

struct AVFrame;

namespace headgate::healthprobe {

inline constexpr int kSmallSide = 320;  // pixels of the longer side, as the ladder's small pictures have

// As it is seen (its pixels' shape is heeded), no larger than it is, with the levels and the matrix that JFIF
// means by YCbCr (BT.601, full range). Planar YCbCr and grey of 8 to 16 bits; nothing of others, or when
// libavcodec has no encoder for it. Any thread.
std::optional<ByteVector> small_jpeg(const AVFrame& frame);

}  // namespace headgate::healthprobe
