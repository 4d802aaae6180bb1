// SPDX-License-Identifier: LGPL-2.1-or-later
#include "small_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

#include "av_ptr.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace headgate::healthprobe {
namespace {

constexpr int kQuality = 4;  // MJPEG's scale of quantisers, 2 the best: 5 to 15 kB
constexpr float kNeutral = 128;

struct Size {
  int width, height;
};

// A plane of the small picture, in the levels of 8 bits.
struct Plane {
  Size size{};
  std::vector<float> samples;
  float at(int x, int y) const {
    return samples[static_cast<size_t>(y) * static_cast<size_t>(size.width) + static_cast<size_t>(x)];
  }
};

// As it is seen, both even.
Size small_size(const AVFrame& frame) {
  const AVRational shape = frame.sample_aspect_ratio;
  const bool has_shape = shape.num > 0 && shape.den > 0;
  const double width = has_shape ? frame.width * static_cast<double>(shape.num) / shape.den : frame.width;
  const double scale = std::min(1.0, kSmallSide / std::max<double>(width, frame.height));
  const auto even = [scale](double length) {
    return std::clamp(2 * static_cast<int>(std::lround(length * scale / 2)), 2, kSmallSide);
  };
  return {even(width), even(frame.height)};
}

// Each sample is the mean of those that it stands for.
template <typename Sample>
Plane shrink(const uint8_t* data, ptrdiff_t stride, Size from, const AVComponentDescriptor& component,
             Size to) {
  Plane out{to, {}};
  out.samples.reserve(static_cast<size_t>(to.width) * static_cast<size_t>(to.height));
  const float unit = 1.0F / static_cast<float>(1 << (component.depth - 8));
  const auto edge = [](int64_t at, int length, int parts) { return static_cast<int>(at * length / parts); };
  for (int y = 0; y < to.height; ++y) {
    const int top = edge(y, from.height, to.height),
              bottom = std::max(edge(y + 1, from.height, to.height), top + 1);
    for (int x = 0; x < to.width; ++x) {
      const int left = edge(x, from.width, to.width),
                right = std::max(edge(x + 1, from.width, to.width), left + 1);
      uint64_t sum = 0;
      for (int row = top; row < bottom; ++row) {
        const auto* line = reinterpret_cast<const Sample*>(data + row * stride);
        for (int column = left; column < right; ++column)
          sum += static_cast<unsigned>(line[column]) >> component.shift;
      }
      const int count = (bottom - top) * (right - left);
      out.samples.push_back(static_cast<float>(sum) / static_cast<float>(count) * unit);
    }
  }
  return out;
}

struct Small {
  Plane y, cb, cr;  // of chroma half the lines and columns
};

std::optional<Small> shrink(const AVFrame& frame, const AVPixFmtDescriptor& format, Size to) {
  const Size half{to.width / 2, to.height / 2};
  const auto plane = [&](int number, Size size) -> std::optional<Plane> {
    const AVComponentDescriptor& component = format.comp[number];
    const int bytes = component.depth > 8 ? 2 : 1;
    const Size from = number == 0 ? Size{frame.width, frame.height}
                                  : Size{AV_CEIL_RSHIFT(frame.width, format.log2_chroma_w),
                                         AV_CEIL_RSHIFT(frame.height, format.log2_chroma_h)};
    const uint8_t* data = frame.data[component.plane];
    const int stride = frame.linesize[component.plane];
    if (component.step != bytes || component.depth < 8 || component.depth > 16 || !data ||
        stride < from.width * bytes)
      return std::nullopt;
    return bytes == 1 ? shrink<uint8_t>(data, stride, from, component, size)
                      : shrink<uint16_t>(data, stride, from, component, size);
  };
  auto y = plane(0, to);
  if (!y) return std::nullopt;
  const Plane grey{half, std::vector<float>(static_cast<size_t>(half.width * half.height), kNeutral)};
  if (format.nb_components < 3) return Small{*std::move(y), grey, grey};
  auto cb = plane(1, half), cr = plane(2, half);
  if (!cb || !cr) return std::nullopt;
  return Small{*std::move(y), *std::move(cb), *std::move(cr)};
}

// Of R'G'B' from Y'CbCr, what red and blue weigh in luma (ITU-T H.273, table 4).
std::array<float, 2> weights_of(const AVFrame& frame) {
  switch (frame.colorspace) {
    case AVCOL_SPC_BT709:
      return {0.2126F, 0.0722F};
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return {0.2627F, 0.0593F};
    case AVCOL_SPC_UNSPECIFIED:  // as players guess
      if (frame.height >= 720) return {0.2126F, 0.0722F};
      return {0.299F, 0.114F};
    default:
      return {0.299F, 0.114F};
  }
}

bool is_full_range(const AVFrame& frame) {
  return frame.color_range == AVCOL_RANGE_JPEG || frame.format == AV_PIX_FMT_YUVJ420P ||
         frame.format == AV_PIX_FMT_YUVJ422P || frame.format == AV_PIX_FMT_YUVJ444P;
}

uint8_t rounded(float value) {
  return static_cast<uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// Into what JFIF means, which is what `out` has: yuvj420p.
void convert(const Small& in, const AVFrame& source, AVFrame& out) {
  const auto [red, blue] = weights_of(source);
  const float green = 1 - red - blue;
  const bool full = is_full_range(source);
  const float black = full ? 0 : 16, luma = full ? 1 : 255.0F / 219, chroma = full ? 1 : 255.0F / 224;
  const auto rgb_of = [&](float y, float cb, float cr) -> std::array<float, 3> {
    const float level = (y - black) * luma, u = (cb - kNeutral) * chroma, v = (cr - kNeutral) * chroma;
    const float r = level + 2 * (1 - red) * v, b = level + 2 * (1 - blue) * u;
    return {r, (level - red * r - blue * b) / green, b};
  };
  for (int y = 0; y < out.height; ++y)
    for (int x = 0; x < out.width; ++x) {
      const auto [r, g, b] = rgb_of(in.y.at(x, y), in.cb.at(x / 2, y / 2), in.cr.at(x / 2, y / 2));
      out.data[0][y * out.linesize[0] + x] = rounded(0.299F * r + 0.587F * g + 0.114F * b);
    }
  for (int y = 0; y < out.height / 2; ++y)
    for (int x = 0; x < out.width / 2; ++x) {
      const float level = (in.y.at(2 * x, 2 * y) + in.y.at(2 * x + 1, 2 * y) + in.y.at(2 * x, 2 * y + 1) +
                           in.y.at(2 * x + 1, 2 * y + 1)) /
                          4;
      const auto [r, g, b] = rgb_of(level, in.cb.at(x, y), in.cr.at(x, y));
      const float grey = 0.299F * r + 0.587F * g + 0.114F * b;
      out.data[1][y * out.linesize[1] + x] = rounded(kNeutral + (b - grey) / (2 * (1 - 0.114F)));
      out.data[2][y * out.linesize[2] + x] = rounded(kNeutral + (r - grey) / (2 * (1 - 0.299F)));
    }
}

std::optional<ByteVector> encode(const AVFrame& picture) {
  const AVCodec* found = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  const CodecPtr codec(found ? avcodec_alloc_context3(found) : nullptr);
  const PacketPtr packet(av_packet_alloc());
  if (!codec || !packet) return std::nullopt;
  codec->width = picture.width;
  codec->height = picture.height;
  codec->pix_fmt = AV_PIX_FMT_YUVJ420P;
  codec->color_range = AVCOL_RANGE_JPEG;
  codec->time_base = {1, 25};
  codec->thread_count = 1;
  codec->log_level_offset = AV_LOG_TRACE;
  codec->flags |= AV_CODEC_FLAG_QSCALE;
  codec->global_quality = kQuality * FF_QP2LAMBDA;
  if (avcodec_open2(codec.get(), found, nullptr) < 0 || avcodec_send_frame(codec.get(), &picture) < 0)
    return std::nullopt;
  avcodec_send_frame(codec.get(), nullptr);
  if (avcodec_receive_packet(codec.get(), packet.get()) < 0) return std::nullopt;
  const auto* bytes = reinterpret_cast<const std::byte*>(packet->data);
  return ByteVector(bytes, bytes + packet->size);
}

}  // namespace

std::optional<ByteVector> small_jpeg(const AVFrame& frame) {
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  constexpr uint64_t kOther =
      AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_PAL;
  if (!format || format->flags & kOther || frame.width <= 0 || frame.height <= 0) return std::nullopt;
  const Size to = small_size(frame);
  const auto small = shrink(frame, *format, to);
  const FramePtr out(av_frame_alloc());
  if (!small || !out) return std::nullopt;
  out->format = AV_PIX_FMT_YUVJ420P;
  out->width = to.width;
  out->height = to.height;
  out->color_range = AVCOL_RANGE_JPEG;
  out->quality = kQuality * FF_QP2LAMBDA;
  if (av_frame_get_buffer(out.get(), 0) < 0) return std::nullopt;
  convert(*small, frame, *out);
  return encode(*out);
}

}  // namespace headgate::healthprobe
