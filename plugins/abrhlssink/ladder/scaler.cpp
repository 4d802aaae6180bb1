// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/scaler.h"

#include <zimg.h>

#include <algorithm>

namespace headgate::abrhlssink {

using gst::Ref;

namespace {

// What is taken, and with which planes zimg reads it.
constexpr std::pair<GstVideoFormat, GstVideoFormat> kFormats[] = {
    {GST_VIDEO_FORMAT_I420, GST_VIDEO_FORMAT_I420},
    {GST_VIDEO_FORMAT_NV12, GST_VIDEO_FORMAT_I420},
    {GST_VIDEO_FORMAT_Y42B, GST_VIDEO_FORMAT_Y42B},
    {GST_VIDEO_FORMAT_Y444, GST_VIDEO_FORMAT_Y444},
    {GST_VIDEO_FORMAT_I420_10LE, GST_VIDEO_FORMAT_I420_10LE},
    {GST_VIDEO_FORMAT_I422_10LE, GST_VIDEO_FORMAT_I422_10LE},
    {GST_VIDEO_FORMAT_Y444_10LE, GST_VIDEO_FORMAT_Y444_10LE},
    {GST_VIDEO_FORMAT_P010_10LE, GST_VIDEO_FORMAT_I420_10LE},
    {GST_VIDEO_FORMAT_GRAY8, GST_VIDEO_FORMAT_GRAY8},
};

constexpr double kBicubicB = 0, kBicubicC = 0.6;  // ffmpeg's `scale`

zimg_chroma_location_e chroma_location(GstVideoChromaSite site) {
  if (site & GST_VIDEO_CHROMA_SITE_UNKNOWN) return ZIMG_CHROMA_LEFT;
  const bool across = site & GST_VIDEO_CHROMA_SITE_H_COSITED, down = site & GST_VIDEO_CHROMA_SITE_V_COSITED;
  if (across) return down ? ZIMG_CHROMA_TOP_LEFT : ZIMG_CHROMA_LEFT;
  return down ? ZIMG_CHROMA_TOP : ZIMG_CHROMA_CENTER;
}

zimg_image_format image_format(const GstVideoInfo& info) {
  zimg_image_format format;
  zimg_image_format_default(&format, ZIMG_API_VERSION);
  if (GST_VIDEO_INFO_N_COMPONENTS(&info) > 1) {
    format.color_family = ZIMG_COLOR_YUV;
    format.subsample_w = GST_VIDEO_FORMAT_INFO_W_SUB(info.finfo, 1);
    format.subsample_h = GST_VIDEO_FORMAT_INFO_H_SUB(info.finfo, 1);
    format.chroma_location = chroma_location(info.chroma_site);
  }
  // A last column or line that has no chroma sample of its own is left away.
  format.width = static_cast<unsigned>(GST_VIDEO_INFO_WIDTH(&info)) >> format.subsample_w
                                                                           << format.subsample_w;
  format.height = static_cast<unsigned>(GST_VIDEO_INFO_HEIGHT(&info)) >> format.subsample_h
                                                                             << format.subsample_h;
  format.depth = GST_VIDEO_INFO_COMP_DEPTH(&info, 0);
  format.pixel_type = format.depth > 8 ? ZIMG_PIXEL_WORD : ZIMG_PIXEL_BYTE;
  // The same range on both sides, whatever it is: nothing is stretched.
  format.pixel_range =
      info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255 ? ZIMG_RANGE_FULL : ZIMG_RANGE_LIMITED;
  return format;
}

std::string why() {
  std::string text(256, '\0');
  zimg_get_last_error(text.data(), text.size());
  return text.c_str();
}

bool is_aligned(const GstVideoFrame& frame) {
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&frame); ++i)
    if ((reinterpret_cast<uintptr_t>(GST_VIDEO_FRAME_PLANE_DATA(&frame, i)) |
         static_cast<uintptr_t>(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, i))) &
        kPictureAlign)
      return false;
  return true;
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
  GstVideoFrame& frame() { return frame_; }

 private:
  GstVideoFrame frame_{};
  bool mapped_ = false;
};

template <typename Sample>
void copy_row(Sample* to, const Sample* from, int samples, int step, unsigned shift) {
  if (step == 1 && shift == 0)
    std::copy_n(from, samples, to);
  else
    for (int i = 0; i < samples; ++i) to[i] = static_cast<Sample>(from[i * step] >> shift);
}

// Each component into a plane of its own, its bits at the low end.
template <typename Sample>
void copy_components(GstVideoFrame& to, const GstVideoFrame& from) {
  for (guint i = 0; i < GST_VIDEO_FRAME_N_COMPONENTS(&from); ++i) {
    // Not GST_VIDEO_FRAME_COMP_DATA: where P010's V begins is wrong by a byte there (1.22).
    const auto plane = static_cast<guint>(GST_VIDEO_FRAME_COMP_PLANE(&from, i));
    const size_t within = i == 2 && plane == 1 ? sizeof(Sample) : 0;
    const auto* const source = static_cast<const guint8*>(GST_VIDEO_FRAME_PLANE_DATA(&from, plane)) + within;
    auto* const target = static_cast<guint8*>(GST_VIDEO_FRAME_COMP_DATA(&to, i));
    const int step = GST_VIDEO_FRAME_COMP_PSTRIDE(&from, i) / static_cast<int>(sizeof(Sample));
    for (int y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT(&from, i); ++y)
      copy_row(reinterpret_cast<Sample*>(target + ptrdiff_t{y} * GST_VIDEO_FRAME_COMP_STRIDE(&to, i)),
               reinterpret_cast<const Sample*>(source + ptrdiff_t{y} * GST_VIDEO_FRAME_COMP_STRIDE(&from, i)),
               GST_VIDEO_FRAME_COMP_WIDTH(&from, i), step, from.info.finfo->shift[i]);
  }
}

Result<Ref<GstBuffer>> acquire(GstBufferPool* pool) {
  GstBuffer* raw = nullptr;
  if (gst_buffer_pool_acquire_buffer(pool, &raw, nullptr) != GST_FLOW_OK)
    return Unexpected("no memory for a picture");
  return Ref<GstBuffer>::adopt(raw);
}

Ref<GstBufferPool> make_pool(const GstVideoInfo& info) {
  Ref<GstBufferPool> pool = Ref<GstBufferPool>::adopt(gst_video_buffer_pool_new());
  const Ref<GstCaps> caps = Ref<GstCaps>::adopt(gst_video_info_to_caps(&info));
  GstStructure* config = gst_buffer_pool_get_config(pool.get());
  gst_buffer_pool_config_set_params(config, caps.get(), static_cast<guint>(info.size), 0, 0);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option(config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  GstVideoAlignment align;
  gst_video_alignment_reset(&align);
  for (guint& stride : align.stride_align) stride = kPictureAlign;
  gst_buffer_pool_config_set_video_alignment(config, &align);
  GstAllocationParams params;
  gst_allocation_params_init(&params);
  params.align = kPictureAlign;
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
  for (const auto& [format, planar] : kFormats) {
    if (&format != &kFormats[0].first) text += ", ";
    text += gst_video_format_to_string(format);
  }
  return Ref<GstCaps>::adopt(gst_caps_from_string((text + " }").c_str()));
}

Result<std::unique_ptr<Scaler>> Scaler::make(const GstVideoInfo& from, const GstVideoInfo& to) {
  auto scaler = std::unique_ptr<Scaler>(new Scaler(from, to));
  if (auto prepared = scaler->prepare(); !prepared) return Unexpected(prepared.error());
  return scaler;
}

Result<void> Scaler::prepare() {
  const auto* const known = std::find_if(std::begin(kFormats), std::end(kFormats), [this](const auto& pair) {
    return pair.first == GST_VIDEO_INFO_FORMAT(&from_);
  });
  if (known == std::end(kFormats))
    return Unexpected(std::string("no scaler for pictures in ") +
                      gst_video_format_to_string(GST_VIDEO_INFO_FORMAT(&from_)));
  same_ = GST_VIDEO_INFO_FORMAT(&from_) == GST_VIDEO_INFO_FORMAT(&to_) &&
          GST_VIDEO_INFO_WIDTH(&from_) == GST_VIDEO_INFO_WIDTH(&to_) &&
          GST_VIDEO_INFO_HEIGHT(&from_) == GST_VIDEO_INFO_HEIGHT(&to_);
  if (same_) return {};
  gst_video_info_set_format(&planar_, known->second, static_cast<guint>(GST_VIDEO_INFO_WIDTH(&from_)),
                            static_cast<guint>(GST_VIDEO_INFO_HEIGHT(&from_)));
  planar_.colorimetry = from_.colorimetry;
  planar_.chroma_site = from_.chroma_site;
  zimg_graph_builder_params params;
  zimg_graph_builder_params_default(&params, ZIMG_API_VERSION);
  params.resample_filter = params.resample_filter_uv = ZIMG_RESIZE_BICUBIC;
  params.filter_param_a = params.filter_param_a_uv = kBicubicB;
  params.filter_param_b = params.filter_param_b_uv = kBicubicC;
  params.cpu_type = ZIMG_CPU_AUTO_64B;
  zimg_image_format from = image_format(planar_), to = image_format(to_);
  to.pixel_range = from.pixel_range;
  graph_.reset(zimg_filter_graph_build(&from, &to, &params));
  size_t scratch = 0;
  if (!graph_ || zimg_filter_graph_get_tmp_size(graph_.get(), &scratch) != ZIMG_ERROR_SUCCESS)
    return Unexpected("zimg refuses to scale this: " + why());
  scratch = (scratch + kPictureAlign + 1) & ~size_t{kPictureAlign};
  scratch_.reset(std::aligned_alloc(kPictureAlign + 1, scratch));
  pool_ = make_pool(to_);
  if (!scratch_ || !pool_)
    return Unexpected("no memory for pictures of " + std::to_string(GST_VIDEO_INFO_HEIGHT(&to_)) + " lines");
  return {};
}

Scaler::~Scaler() {
  for (const auto& pool : {pool_, planar_pool_})
    if (pool) gst_buffer_pool_set_active(pool.get(), FALSE);
}

void Scaler::FreeGraph::operator()(zimg_filter_graph* graph) const {
  zimg_filter_graph_free(graph);
}

Result<Ref<GstBuffer>> Scaler::scale(GstBuffer* picture) {
  if (same_) return Ref<GstBuffer>::retain(picture);
  auto out = acquire(pool_.get());
  if (!out) return out;
  {
    MappedFrame from(from_, picture, GST_MAP_READ), to(to_, out->get(), GST_MAP_WRITE);
    if (!from || !to) return Unexpected("a picture that cannot be read");
    if (GST_VIDEO_INFO_FORMAT(&from_) == GST_VIDEO_INFO_FORMAT(&planar_) && is_aligned(from.frame())) {
      if (auto done = process(from.frame(), to.frame()); !done) return Unexpected(done.error());
    } else {
      auto copy = laid_out(from.frame());
      if (!copy) return copy;
      MappedFrame planar(planar_, copy->get(), GST_MAP_READ);
      if (!planar) return Unexpected("a picture that cannot be read");
      if (auto done = process(planar.frame(), to.frame()); !done) return Unexpected(done.error());
    }
  }
  GST_BUFFER_PTS(out->get()) = GST_BUFFER_PTS(picture);
  GST_BUFFER_DTS(out->get()) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(out->get()) = GST_CLOCK_TIME_NONE;
  return out;
}

// The same picture with a plane for each component, and rows where zimg reads them.
Result<Ref<GstBuffer>> Scaler::laid_out(GstVideoFrame& from) {
  if (!planar_pool_) planar_pool_ = make_pool(planar_);
  if (!planar_pool_) return Unexpected("no memory to lay a picture out");
  auto out = acquire(planar_pool_.get());
  if (!out) return out;
  MappedFrame to(planar_, out->get(), GST_MAP_WRITE);
  if (!to) return Unexpected("a picture that cannot be written");
  if (GST_VIDEO_FRAME_FORMAT(&from) == GST_VIDEO_FRAME_FORMAT(&to.frame()))
    gst_video_frame_copy(&to.frame(), &from);
  else if (GST_VIDEO_FRAME_COMP_DEPTH(&from, 0) > 8)
    copy_components<uint16_t>(to.frame(), from);
  else
    copy_components<uint8_t>(to.frame(), from);
  return out;
}

Result<void> Scaler::process(GstVideoFrame& from, GstVideoFrame& to) {
  zimg_image_buffer_const source{};
  zimg_image_buffer target{};
  source.version = target.version = ZIMG_API_VERSION;
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&from); ++i)
    source.plane[i] = {GST_VIDEO_FRAME_PLANE_DATA(&from, i), GST_VIDEO_FRAME_PLANE_STRIDE(&from, i),
                       ZIMG_BUFFER_MAX};
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(&to); ++i)
    target.plane[i] = {GST_VIDEO_FRAME_PLANE_DATA(&to, i), GST_VIDEO_FRAME_PLANE_STRIDE(&to, i),
                       ZIMG_BUFFER_MAX};
  if (zimg_filter_graph_process(graph_.get(), &source, &target, scratch_.get(), nullptr, nullptr, nullptr,
                                nullptr) != ZIMG_ERROR_SUCCESS)
    return Unexpected("zimg cannot scale a picture: " + why());
  return {};
}

}  // namespace headgate::abrhlssink
