// SPDX-License-Identifier: LGPL-2.1-or-later
// Owners of what libavcodec allocates.
#pragma once

#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace headgate::healthprobe {

struct CodecFreer {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct FrameFreer {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct PacketFreer {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using CodecPtr = std::unique_ptr<AVCodecContext, CodecFreer>;
using FramePtr = std::unique_ptr<AVFrame, FrameFreer>;
using PacketPtr = std::unique_ptr<AVPacket, PacketFreer>;

}  // namespace headgate::healthprobe
