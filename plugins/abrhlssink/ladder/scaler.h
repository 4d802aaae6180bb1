// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures from one size to another with zimg's bicubic filter (b = 0, c = 0.6: what ffmpeg's `scale` has by
// default), in 16 bits with every sum rounded: no change of matrix, range or chroma position. What comes out
// is 8 bit 4:2:0.
#pragma once

#include <gst/gst.h>
#include <gst/video/video.h>

#include <cstdlib>
#include <memory>

#include <base/result.h>

#include "common/ref.h"

struct zimg_filter_graph;

namespace headgate::abrhlssink {

// What scale() makes of pictures like these: I420 of this size and frame rate, square pixels, the same
// colorimetry and chroma site.
GstVideoInfo scaled_info(const GstVideoInfo& from, uint32_t width, uint32_t height, int rate_over,
                         int rate_under);
// Formats that a scaler takes, for the caps of who gives it pictures.
gst::Ref<GstCaps> scalable_caps();

// What the rows and planes of a picture begin at a multiple of, in bytes, less one: others are copied before
// they are scaled.
inline constexpr unsigned kPictureAlign = 63;

// Not thread-safe. Output buffers are recycled.
class Scaler {
 public:
  // `to`: both sides even. Error: a format that is not among scalable_caps(), or a size that zimg refuses.
  static Result<std::unique_ptr<Scaler>> make(const GstVideoInfo& from, const GstVideoInfo& to);
  ~Scaler();
  Scaler(const Scaler&) = delete;

  // A picture of `from`, whose buffer may have a video meta with other strides. Has the same PTS; is the same
  // where `from` is all that `to` is. Error: no memory, or a buffer that is no such picture.
  Result<gst::Ref<GstBuffer>> scale(GstBuffer* picture);
  const GstVideoInfo& to() const { return to_; }

 private:
  struct FreeGraph {
    void operator()(zimg_filter_graph* graph) const;
  };
  struct FreeMemory {
    void operator()(void* memory) const { std::free(memory); }
  };

  Scaler(const GstVideoInfo& from, const GstVideoInfo& to) : from_(from), planar_(from), to_(to) {}
  Result<void> prepare();
  Result<void> process(GstVideoFrame& from, GstVideoFrame& to);
  Result<gst::Ref<GstBuffer>> laid_out(GstVideoFrame& from);

  GstVideoInfo from_;
  GstVideoInfo planar_;  // what zimg reads: `from_` with a plane for each component
  GstVideoInfo to_;
  bool same_ = false;  // nothing is to be done
  std::unique_ptr<zimg_filter_graph, FreeGraph> graph_;
  std::unique_ptr<void, FreeMemory> scratch_;
  gst::Ref<GstBufferPool> pool_, planar_pool_;  // the latter once a picture needs another layout
};

}  // namespace headgate::abrhlssink
