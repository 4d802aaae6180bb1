// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/scaler.h"

extern "C" {
#include <libavutil/opt.h>
#include <libavutil/pixfmt.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <array>

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

constexpr std::pair<GstVideoFormat, AVPixelFormat> kFormats[] = {
    {GST_VIDEO_FORMAT_I420, AV_PIX_FMT_YUV420P},
    {GST_VIDEO_FORMAT_NV12, AV_PIX_FMT_NV12},
    {GST_VIDEO_FORMAT_Y42B, AV_PIX_FMT_YUV422P},
    {GST_VIDEO_FORMAT_Y444, AV_PIX_FMT_YUV444P},
    {GST_VIDEO_FORMAT_I420_10LE, AV_PIX_FMT_YUV420P10LE},
    {GST_VIDEO_FORMAT_I422_10LE, AV_PIX_FMT_YUV422P10LE},
    {GST_VIDEO_FORMAT_Y444_10LE, AV_PIX_FMT_YUV444P10LE},
    {GST_VIDEO_FORMAT_P010_10LE, AV_PIX_FMT_P010LE},
    {GST_VIDEO_FORMAT_GRAY8, AV_PIX_FMT_GRAY8},
};

// Between the left column's samples, where MPEG-2 and H.264 have them by default; in 1/256 of a luma line.
constexpr int kChromaBetweenLines = 128;
constexpr guint kAlign = 63;  // of rows: what libswscale's widest instructions like

AVPixelFormat format_of(const GstVideoInfo& info) {
  const auto* const found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& known) {
    return known.first == GST_VIDEO_INFO_FORMAT(&info);
  });
  return found == std::end(kFormats) ? AV_PIX_FMT_NONE : found->second;
}

bool has_half_lines(const GstVideoInfo& info) {
  return GST_VIDEO_INFO_N_COMPONENTS(&info) > 1 && GST_VIDEO_FORMAT_INFO_H_SUB(info.finfo, 1) == 1;
}

class MappedFrame {
 public:
  MappedFrame(const GstVideoInfo& info, GstBuffer* buffer, GstMapFlags flags) {
    // The frame keeps no reference: the buffer outlives this.
    mapped_ =
        gst_video_frame_map(&frame_, &info, buffer,
                            static_cast<GstMapFlags>(static_cast<int>(flags) |
                                                     static_cast<int>(GST_VIDEO_FRAME_MAP_FLAG_NO_REF)));
  }
  ~MappedFrame() {
    if (mapped_) gst_video_frame_unmap(&frame_);
  }
  MappedFrame(const MappedFrame&) = delete;
  explicit operator bool() const { return mapped_; }
  std::array<uint8_t*, 4> planes() const {
    std::array<uint8_t*, 4> out{};
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&frame_); ++i)
      out[i] = static_cast<uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame_, i));
    return out;
  }
  std::array<int, 4> strides() const {
    std::array<int, 4> out{};
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&frame_); ++i)
      out[i] = GST_VIDEO_FRAME_PLANE_STRIDE(&frame_, i);
    return out;
  }

 private:
  GstVideoFrame frame_{};
  bool mapped_ = false;
};

Ref<GstBufferPool> make_pool(const GstVideoInfo& info) {
  Ref<GstBufferPool> pool = Ref<GstBufferPool>::adopt(gst_video_buffer_pool_new());
  const Ref<GstCaps> caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info));
  GstStructure* config = gst_buffer_pool_get_config(pool.get());
  gst_buffer_pool_config_set_params(config, caps.get(), static_cast<guint>(info.size), 0, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  GstVideoAlignment align;
  gst_video_alignment_reset(&align);
  for (guint& stride : align.stride_align) stride = kAlign;
  gst_buffer_pool_config_set_video_alignment(config, &align);
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.align = kAlign;
  gst_buffer_pool_config_set_allocator(config, nullptr, &params);
  if (!gst_buffer_pool_set_config(pool.get(), config) || !gst_buffer_pool_set_active(pool.get(), TRUE))
    pool.reset();
  return pool;
}

}  // namespace

GstVideoInfo scaled_info(const GstVideoInfo& from, uint32_t width, uint32_t height, int rate_over,
                         int rate_under) {
  GstVideoInfo to;
  gst_video_info_set_format(&to, GST_VIDEO_FORMAT_I420, width, height);
  to.fps_n = rate_over;
  to.fps_d = rate_under;
  // Pinned: what a smaller picture would be taken for by its size (bt601) is not what it is.
  if (GST_VIDEO_INFO_IS_YUV(&from)) to.colorimetry = from.colorimetry;
  to.chroma_site = from.chroma_site;
  return to;
}

Ref<GstCaps> scalable_caps() {
  std::string text = "video/x-raw, format = (string) { ";
  for (const auto& [format, unused] : kFormats) {
    if (&format != &kFormats[0].first) text += ", ";
    text += gst_video_format_to_string(format);
  }
  return Ref<GstCaps>::adopt(gst_caps_from_string((text + " }").c_str()));
}

Result<std::unique_ptr<Scaler>> Scaler::make(const GstVideoInfo& from, const GstVideoInfo& to, bool exact) {
  auto scaler = std::unique_ptr<Scaler>(new Scaler(from, to));
  if (auto prepared = scaler->prepare(exact); !prepared) return Unexpected(prepared.error());
  return scaler;
}

Result<void> Scaler::prepare(bool exact) {
  const AVPixelFormat from = format_of(from_), to = format_of(to_);
  if (from == AV_PIX_FMT_NONE || to == AV_PIX_FMT_NONE)
    return Unexpected(std::string("no scaler for pictures in ") +
                      gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&from_)));
  same_ = from == to && GST_VIDEO_INFO_WIDTH(&from_) == GST_VIDEO_INFO_WIDTH(&to_) &&
          GST_VIDEO_INFO_HEIGHT(&from_) == GST_VIDEO_INFO_HEIGHT(&to_);
  if (same_) return {};
  context_ = sws_alloc_context();
  if (!context_) return Unexpected("no memory for a scaler");
  const auto set = [this](const char* name, int value) { av_opt_set_int(context_, name, value, 0); };
  set("srcw", GST_VIDEO_INFO_WIDTH(&from_));
  set("srch", GST_VIDEO_INFO_HEIGHT(&from_));
  set("src_format", from);
  set("dstw", GST_VIDEO_INFO_WIDTH(&to_));
  set("dsth", GST_VIDEO_INFO_HEIGHT(&to_));
  set("dst_format", to);
  set("sws_flags", exact ? SWS_BICUBIC | SWS_ACCURATE_RND : SWS_BICUBIC);
  // The same range on both sides, whatever it is: nothing is stretched.
  const int full = from_.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255 ? 1 : 0;
  set("src_range", full);
  set("dst_range", full);
  if (has_half_lines(from_)) set("src_v_chr_pos", kChromaBetweenLines);
  if (has_half_lines(to_)) set("dst_v_chr_pos", kChromaBetweenLines);
  if (sws_init_context(context_, nullptr, nullptr) < 0) return Unexpected("libswscale refuses to scale this");
  pool_ = make_pool(to_);
  if (!pool_)
    return Unexpected("no pool for pictures of " + std::to_string(GST_VIDEO_INFO_HEIGHT(&to_)) + " lines");
  return {};
}

Scaler::~Scaler() {
  if (pool_) gst_buffer_pool_set_active(pool_.get(), FALSE);
  sws_freeContext(context_);
}

Result<Ref<GstBuffer>> Scaler::scale(GstBuffer* picture) {
  if (same_) return Ref<GstBuffer>::retain(picture);
  GstBuffer* raw = nullptr;
  if (gst_buffer_pool_acquire_buffer(pool_.get(), &raw, nullptr) != GST_FLOW_OK)
    return Unexpected("no memory for a picture");
  Ref<GstBuffer> out = Ref<GstBuffer>::adopt(raw);
  {
    const MappedFrame from(from_, picture, GST_MAP_READ), to(to_, out.get(), GST_MAP_WRITE);
    if (!from || !to) return Unexpected("a picture that cannot be read");
    const auto source = from.planes(), target = to.planes();
    const auto source_strides = from.strides(), target_strides = to.strides();
    sws_scale(context_, source.data(), source_strides.data(), 0, GST_VIDEO_INFO_HEIGHT(&from_), target.data(),
              target_strides.data());
  }
  GST_BUFFER_PTS(out.get()) = GST_BUFFER_PTS(picture);
  GST_BUFFER_DTS(out.get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(out.get()) = GST_CLOCK_TIME_NONE;
  return out;
}

}  // namespace headgate::abrhlssink
