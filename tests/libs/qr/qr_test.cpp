// SPDX-License-Identifier: LGPL-2.1-or-later
// Pictures are read back by zbarimg, a reader that shares nothing with the encoder.
#include <gtest/gtest.h>
#include <png.h>
#include <qr/code.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <string>

namespace headgate::qr {
namespace {

namespace fs = std::filesystem;

// As long as a sealed ticket's.
std::string ticket_text() {
  std::string text = "HTTPS://T.VOTE.EXAMPLE/#LT1.";
  for (int i = 0; i < 338; ++i) text += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(i * 7 + i / 32) % 32];
  return text;
}

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "qr-test-XXXXXX").string();
    if (mkdtemp(name.data())) path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

// What zbarimg reads in the picture, empty when nothing.
std::string read_code(const fs::path& picture) {
  std::string command =
      "zbarimg --quiet --raw -Sdisable -Sqrcode.enable '" + picture.string() + "' 2>/dev/null";
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  char buffer[512];
  while (pipe && std::fgets(buffer, sizeof buffer, pipe.get())) text += buffer;
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void write_file(const fs::path& path, Bytes bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// A grey picture made of a text of modules: `is_dark(x, y)` over a side of `modules`.
template <typename Function>
void write_pgm(const fs::path& path, int modules, int scale, Function is_dark) {
  std::ofstream out(path, std::ios::binary);
  out << "P5 " << modules * scale << " " << modules * scale << " 255\n";
  for (int y = 0; y < modules * scale; ++y)
    for (int x = 0; x < modules * scale; ++x) out.put(is_dark(x / scale, y / scale) ? '\0' : '\xff');
}

TEST(Qr, MixedSegmentsGiveTheExpectedVersion) {
  auto code = encode(ticket_text());
  ASSERT_TRUE(code) << code.error().message;
  EXPECT_EQ(code->version(), 14) << "the measured size of a sealed ticket at error correction Q";
  EXPECT_EQ(code->size(), 73);
  EXPECT_FALSE(code->dark(-1, 0));
  EXPECT_FALSE(code->dark(0, 73));
  EXPECT_TRUE(code->dark(0, 0));  // a finder's corner
}

// The two bits of the format information next to the finder (ISO/IEC 18004, 7.9) say which correction is
// used.
TEST(Qr, ErrorCorrectionIsQ) {
  auto code = encode("HTTPS://T.VOTE.EXAMPLE/");
  ASSERT_TRUE(code);
  int level = (code->dark(0, 8) ? 2 : 0) | (code->dark(1, 8) ? 1 : 0);
  EXPECT_EQ(level ^ 0b10, 0b11) << "the first two bits of the mask 101010000010010 are 10; Q is 11";
}

TEST(Qr, PngIsReadBack) {
  Folder folder;
  int number = 0;
  for (const std::string& text : {ticket_text(), std::string("HTTPS://T.VOTE.EXAMPLE/"), std::string("a"),
                                  std::string("lower and UPPER # mixed"), std::string(900, 'Z')}) {
    auto code = encode(text);
    ASSERT_TRUE(code) << code.error().message;
    auto png = to_png(*code, 4);
    ASSERT_TRUE(png) << png.error().message;
    fs::path path = folder / ("code" + std::to_string(number++) + ".png").c_str();
    write_file(path, *png);
    EXPECT_EQ(read_code(path), text);
  }
}

TEST(Qr, PngIsOneBitWithAQuietZone) {
  auto code = encode("HELLO");
  ASSERT_TRUE(code);
  auto png = to_png(*code, 3);
  ASSERT_TRUE(png);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_TRUE(png_image_begin_read_from_memory(&image, png->data(), png->size())) << image.message;
  auto side = static_cast<unsigned>((code->size() + 2 * kQuietZone) * 3);
  EXPECT_EQ(image.width, side);
  EXPECT_EQ(image.height, side);
  EXPECT_EQ(std::to_integer<int>((*png)[24]), 1) << "IHDR's bit depth";
  image.format = PNG_FORMAT_GRAY;
  std::vector<png_byte> grey(PNG_IMAGE_SIZE(image));
  ASSERT_TRUE(png_image_finish_read(&image, nullptr, grey.data(), 0, nullptr)) << image.message;
  for (unsigned y = 0; y < side; ++y)
    for (unsigned x = 0; x < side; ++x) {
      bool dark = code->dark(static_cast<int>(x / 3) - kQuietZone, static_cast<int>(y / 3) - kQuietZone);
      ASSERT_EQ(grey[y * side + x], dark ? 0 : 255) << x << "," << y;
    }
}

// The path's grammar is small enough to paint it here; the painting goes to the reader.
TEST(Qr, SvgIsReadBack) {
  auto code = encode(ticket_text());
  ASSERT_TRUE(code);
  std::string svg = to_svg(*code);
  EXPECT_NE(svg.find("viewBox=\"0 0 81 81\""), std::string::npos);
  EXPECT_NE(svg.find("<rect width=\"81\" height=\"81\" fill=\"#fff\"/>"), std::string::npos);
  std::vector<bool> painted(81 * 81);
  std::regex run(R"(M(\d+) (\d+)h(\d+)v1h-(\d+)z)");
  size_t covered = 0;
  for (std::sregex_iterator it(svg.begin(), svg.end(), run), end; it != end; ++it) {
    covered += static_cast<size_t>(it->length());
    int x = std::stoi((*it)[1]), y = std::stoi((*it)[2]), length = std::stoi((*it)[3]);
    EXPECT_EQ((*it)[3], (*it)[4]);
    for (int i = 0; i < length; ++i) painted.at(static_cast<size_t>(y * 81 + x + i)) = true;
  }
  size_t path_start = svg.find(" d=\"") + 4;
  EXPECT_EQ(covered, svg.find('"', path_start) - path_start) << "the path holds nothing else";
  Folder folder;
  fs::path path = folder / "svg.pgm";
  write_pgm(path, 81, 4, [&](int x, int y) { return painted[static_cast<size_t>(y * 81 + x)]; });
  EXPECT_EQ(read_code(path), ticket_text());
}

// A light ground makes what the terminal draws dark in one form and light in the other.
void expect_terminal(bool ansi) {
  auto code = encode(ticket_text());
  ASSERT_TRUE(code);
  std::string text = to_terminal(*code, ansi);
  constexpr std::string_view kPaint = "\x1b[30;107m", kEnd = "\x1b[0m";
  std::vector<std::vector<bool>> rows;
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); ++lines) {
    size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    std::string_view line(text.data() + at, end - at);
    if (ansi) {
      ASSERT_TRUE(line.starts_with(kPaint) && line.ends_with(kEnd));
      line.remove_prefix(kPaint.size());
      line.remove_suffix(kEnd.size());
    }
    std::vector<bool> upper, lower;
    while (!line.empty()) {
      size_t length = line[0] == ' ' ? 1 : 3;
      std::string_view block = line.substr(0, length);
      bool both = block == "\u2588", top = block == "\u2580", bottom = block == "\u2584";
      ASSERT_TRUE(both || top || bottom || block == " ");
      upper.push_back((both || top) == ansi);
      lower.push_back((both || bottom) == ansi);
      line.remove_prefix(length);
    }
    ASSERT_EQ(upper.size(), 81u);
    rows.push_back(upper);
    rows.push_back(lower);
    at = end + 1;
  }
  EXPECT_EQ(lines, 41u);
  Folder folder;
  fs::path path = folder / "terminal.pgm";
  write_pgm(path, 81, 4, [&](int x, int y) { return rows[static_cast<size_t>(y)][static_cast<size_t>(x)]; });
  EXPECT_EQ(read_code(path), ticket_text());
}

TEST(Qr, TerminalTextIsReadBackPainted) {
  expect_terminal(true);
}
TEST(Qr, TerminalTextIsReadBackPlain) {
  expect_terminal(false);
}

TEST(Qr, Limits) {
  EXPECT_FALSE(encode(""));
  EXPECT_FALSE(encode(std::string(3000, 'A')));
  EXPECT_TRUE(encode(std::string(2420, 'A'))) << "version 40 at Q";
  auto code = encode("A");
  ASSERT_TRUE(code);
  EXPECT_FALSE(to_png(*code, 0));
  EXPECT_FALSE(to_png(*code, kMaxScale + 1));
  EXPECT_TRUE(to_png(*code, kMaxScale));
}

}  // namespace
}  // namespace headgate::qr
