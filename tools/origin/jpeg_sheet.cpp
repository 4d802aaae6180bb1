// SPDX-License-Identifier: LGPL-2.1-or-later
#include "jpeg_sheet.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

// Needs cstdio before it.
#include <jpeglib.h>

namespace headgate::origin {
namespace {

constexpr uint32_t kEighths = 8;
constexpr unsigned char kGreyLuma = 64, kGreyChroma = 128;

// libjpeg's way out of an error is a longjmp: nothing with a destructor is made between setjmp and what may
// fail.
struct Failing {
  jpeg_error_mgr manager;  // first: libjpeg gives a pointer to it
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void fail(j_common_ptr common) {
  auto* const failing = reinterpret_cast<Failing*>(common->err);
  common->err->format_message(common, failing->text);
  std::longjmp(failing->back, 1);
}

// Warnings are about data that cannot be right. Level -1 is one.
void heed(j_common_ptr common, int level) {
  if (level < 0) fail(common);
}

void prepare(Failing& failing) {
  jpeg_std_error(&failing.manager);
  failing.manager.error_exit = fail;
  failing.manager.emit_message = heed;
  failing.text[0] = '\0';
}

struct Decoder {
  jpeg_decompress_struct info;
  Failing failing;
};

// Into rows that are `stride` apart. False: Failing::text says why, where libjpeg found it.
bool decode(Decoder& decoder, Bytes jpeg, const SheetLayout& layout, unsigned char* to, size_t stride,
            uint32_t width, uint32_t height) {
  jpeg_decompress_struct& info = decoder.info;
  prepare(decoder.failing);
  info.err = &decoder.failing.manager;
  if (setjmp(decoder.failing.back) != 0) return false;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size());
  jpeg_read_header(&info, TRUE);
  const bool expected = info.image_width == layout.picture_width &&
                        info.image_height == layout.picture_height && info.jpeg_color_space == JCS_YCbCr &&
                        info.progressive_mode == FALSE && info.arith_code == FALSE;
  if (!expected) return false;
  info.scale_num = layout.eighths;
  info.scale_denom = kEighths;
  info.out_color_space = JCS_YCbCr;
  jpeg_start_decompress(&info);
  if (info.output_width != width || info.output_height != height) return false;
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = to + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

struct Encoder {
  jpeg_compress_struct info;
  Failing failing;
  unsigned char* bytes = nullptr;  // malloc's
  unsigned long size = 0;
};

bool encode_into(Encoder& encoder, const unsigned char* pixels, uint32_t width, uint32_t height,
                 size_t stride) {
  jpeg_compress_struct& info = encoder.info;
  prepare(encoder.failing);
  info.err = &encoder.failing.manager;
  if (setjmp(encoder.failing.back) != 0) return false;
  jpeg_create_compress(&info);
  jpeg_mem_dest(&info, &encoder.bytes, &encoder.size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = 3;
  info.in_color_space = JCS_YCbCr;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kSheetQuality, TRUE);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  return true;
}

uint32_t scaled(uint32_t side, uint32_t eighths) {
  return (side * eighths + kEighths - 1) / kEighths;
}

}  // namespace

JpegSheet::JpegSheet(const SheetLayout& layout)
    : layout_(layout),
      tile_width_(scaled(layout.picture_width, layout.eighths)),
      tile_height_(scaled(layout.picture_height, layout.eighths)),
      pixels_(stride() * layout.rows * tile_height_) {
  for (uint32_t place = 0; place < layout.columns * layout.rows; ++place) clear(place);
}

Result<JpegSheet> JpegSheet::make(const SheetLayout& layout) {
  const auto usual = [](uint32_t number) { return number > 0 && number <= JPEG_MAX_DIMENSION; };
  if (!usual(layout.columns) || !usual(layout.rows) || !usual(layout.picture_width) ||
      !usual(layout.picture_height) || layout.eighths == 0 || layout.eighths > kEighths)
    return Unexpected("no layout of a sheet");
  const uint64_t width = uint64_t{layout.columns} * scaled(layout.picture_width, layout.eighths),
                 height = uint64_t{layout.rows} * scaled(layout.picture_height, layout.eighths);
  if (width > JPEG_MAX_DIMENSION || height > JPEG_MAX_DIMENSION || width * height > kMaxSheetPixels)
    return Unexpected("a sheet of " + std::to_string(width) + "x" + std::to_string(height));
  return JpegSheet(layout);
}

size_t JpegSheet::offset_of(uint32_t place) const {
  return place / layout_.columns * tile_height_ * stride() +
         size_t{place % layout_.columns} * tile_width_ * kComponents;
}

void JpegSheet::clear(uint32_t place) {
  for (uint32_t line = 0; line < tile_height_; ++line) {
    unsigned char* const row = pixels_.data() + offset_of(place) + line * stride();
    for (uint32_t i = 0; i < tile_width_; ++i) {
      row[i * kComponents] = kGreyLuma;
      row[i * kComponents + 1] = row[i * kComponents + 2] = kGreyChroma;
    }
  }
}

Result<void> JpegSheet::put(uint32_t place, Bytes jpeg) {
  if (place >= layout_.columns * layout_.rows) return Unexpected("no such tile");
  const auto decoder = std::make_unique<Decoder>();
  const bool whole =
      decode(*decoder, jpeg, layout_, pixels_.data() + offset_of(place), stride(), tile_width_, tile_height_);
  jpeg_destroy_decompress(&decoder->info);
  if (whole) return {};
  clear(place);
  const std::string why = decoder->failing.text;
  return Unexpected(why.empty() ? "a picture of another kind" : why);
}

Result<ByteVector> JpegSheet::encode() const {
  const auto encoder = std::make_unique<Encoder>();
  const bool done = encode_into(*encoder, pixels_.data(), layout_.columns * tile_width_,
                                layout_.rows * tile_height_, stride());
  jpeg_destroy_compress(&encoder->info);
  const std::unique_ptr<unsigned char, decltype(&std::free)> owned(encoder->bytes, &std::free);
  if (!done) return Unexpected(std::string("no sheet: ") + encoder->failing.text);
  const auto* const bytes = reinterpret_cast<const std::byte*>(owned.get());
  return ByteVector(bytes, bytes + encoder->size);
}

}  // namespace headgate::origin
