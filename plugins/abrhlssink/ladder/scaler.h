// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures from one size to another with libswscale's bicubic filter, as ffmpeg's `scale` has it by default:
// the same flags, the same chroma positions, no change of matrix or range. What comes out is 8 bit 4:2:0.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <memory>

#include <base/result.h>

#include "common/ref.h"

struct SwsContext;

namespace headgate::abrhlssink {

// What scale() makes of pictures like these: I420 of this size and frame rate, square pixels, the same
// colorimetry and chroma site.
GstVideoInfo scaled_info(const GstVideoInfo& from, uint32_t width, uint32_t height, int rate_over,
                         int rate_under);
// Formats that a scaler takes, for the caps of who gives it pictures.
gst::Ref<GstCaps> scalable_caps();

// Not thread-safe. Output buffers are recycled.
class Scaler {
 public:
  // `exact`: sums are rounded rather than cut off, for a little more work; for small steps from pictures that
  // were scaled before, so that both steps together lose no more than one does. Error: a format that
  // libswscale does not read.
  static Result<std::unique_ptr<Scaler>> make(const GstVideoInfo& from, const GstVideoInfo& to,
                                              bool exact = false);
  ~Scaler();
  Scaler(const Scaler&) = delete;

  // A picture of `from`, whose buffer may have a video meta with other strides. Has the same PTS; is the same
  // where `from` is all that `to` is. Error: no memory, or a buffer that is no such picture.
  Result<gst::Ref<GstBuffer>> scale(GstBuffer* picture);
  const GstVideoInfo& to() const { return to_; }

 private:
  Scaler(const GstVideoInfo& from, const GstVideoInfo& to) : from_(from), to_(to) {}
  Result<void> prepare(bool exact);

  GstVideoInfo from_, to_;
  bool same_ = false;  // nothing is to be done
  SwsContext* context_ = nullptr;
  gst::Ref<GstBufferPool> pool_;
};

}  // namespace headgate::abrhlssink
