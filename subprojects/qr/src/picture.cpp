// SPDX-License-Identifier: LGPL-2.1-or-later
#include <png.h>

#include <cerrno>
#include <csetjmp>

#include <qr/code.h>

namespace headgate::qr {
namespace {

// Appends "Mx yhNv1h-Nz" for every horizontal run of dark modules.
void add_row(std::string& path, const Code& code, int y) {
  for (int x = 0; x < code.size(); ++x) {
    if (!code.dark(x, y)) continue;
    int start = x;
    while (code.dark(x, y)) ++x;
    std::string length = std::to_string(x - start);
    path.append("M").append(std::to_string(start + kQuietZone));
    path.append(" ").append(std::to_string(y + kQuietZone));
    path.append("h").append(length).append("v1h-").append(length).append("z");
  }
}

void append(png_structp png, png_bytep data, size_t size) {
  auto* out = static_cast<ByteVector*>(png_get_io_ptr(png));
  Bytes bytes = std::as_bytes(std::span(data, size));
  out->insert(out->end(), bytes.begin(), bytes.end());
}

// libpng leaves through longjmp on errors, so nothing in this frame may need destruction.
bool write_png(png_structp png, png_infop info, unsigned width, png_bytepp rows, ByteVector* out) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_write_fn(png, out, append, nullptr);
  png_set_IHDR(png, info, width, width, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_rows(png, info, rows);
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  return true;
}

}  // namespace

std::string to_terminal(const Code& code, bool ansi) {
  // Upper and lower half: both light, lower dark, upper dark, both dark.
  static constexpr const char* kLightDrawn[] = {"\u2588", "\u2580", "\u2584", " "};
  static constexpr const char* kDarkDrawn[] = {" ", "\u2584", "\u2580", "\u2588"};
  std::string text;
  for (int y = -kQuietZone; y < code.size() + kQuietZone; y += 2) {
    if (ansi) text += "\x1b[30;107m";
    for (int x = -kQuietZone; x < code.size() + kQuietZone; ++x)
      text += (ansi ? kDarkDrawn : kLightDrawn)[code.dark(x, y) * 2 + code.dark(x, y + 1)];
    if (ansi) text += "\x1b[0m";
    text += '\n';
  }
  return text;
}

std::string to_svg(const Code& code) {
  std::string side = std::to_string(code.size() + 2 * kQuietZone);
  std::string path;
  for (int y = 0; y < code.size(); ++y) add_row(path, code, y);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + side +
         "\" shape-rendering=\"crispEdges\"><rect width=\"" + side + "\" height=\"" + side +
         "\" fill=\"#fff\"/><path fill=\"#000\" d=\"" + path + "\"/></svg>\n";
}

Result<ByteVector> to_png(const Code& code, int scale) {
  if (scale < 1 || scale > kMaxScale)
    return Unexpected(EINVAL, "a QR code's module is 1 to " + std::to_string(kMaxScale) + " pixels");
  int side = (code.size() + 2 * kQuietZone) * scale;
  auto width = static_cast<size_t>(side);
  size_t stride = (width + 7) / 8;
  std::vector<png_byte> pixels(stride * width, 0xff);  // 1 is white
  std::vector<png_bytep> rows(width);
  for (int y = 0; y < side; ++y) {
    png_bytep row = rows[static_cast<size_t>(y)] = pixels.data() + static_cast<size_t>(y) * stride;
    for (int x = 0; x < side; ++x)
      if (code.dark(x / scale - kQuietZone, y / scale - kQuietZone))
        row[x / 8] = static_cast<png_byte>(row[x / 8] & ~(0x80 >> (x % 8)));
  }
  ByteVector out;
  out.reserve(pixels.size() + 1024);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  bool written = info && write_png(png, info, static_cast<unsigned>(side), rows.data(), &out);
  png_destroy_write_struct(&png, &info);
  if (!written) return Unexpected(ENOMEM, "the PNG could not be written");
  return out;
}

}  // namespace headgate::qr
