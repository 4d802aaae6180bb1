// SPDX-License-Identifier: LGPL-2.1-or-later
// Sheets of small pictures: what is on them, of whole, damaged and foreign pictures, and how they are kept.
#include <gtest/gtest.h>

#include <base/io.h>
#include <base/loop.h>

#include <array>
#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <jpeglib.h>

#include "sheets.h"

namespace headgate::origin {
namespace {

namespace fs = std::filesystem;

using Colour = std::array<unsigned char, 3>;  // Y, Cb, Cr

struct Look {
  bool progressive = false;
  bool grey = false;
};

// libjpeg's own errors end the test program: what is encoded here is right.
ByteVector jpeg_of(uint32_t width, uint32_t height, Colour colour, Look look = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = look.grey ? 1 : 3;
  info.in_color_space = look.grey ? JCS_GRAYSCALE : JCS_YCbCr;
  jpeg_set_defaults(&info);
  if (look.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  std::vector<unsigned char> row(size_t{width} * 3);
  for (uint32_t i = 0; i < width * 3; ++i) row[i] = colour[i % 3];
  while (info.next_scanline < height) {
    JSAMPROW rows = row.data();
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  ByteVector out(reinterpret_cast<std::byte*>(bytes), reinterpret_cast<std::byte*>(bytes) + size);
  std::free(bytes);
  return out;
}

struct Picture {
  uint32_t width = 0, height = 0;
  std::vector<unsigned char> pixels;
  Colour at(uint32_t x, uint32_t y) const {
    const unsigned char* const pixel = pixels.data() + (size_t{y} * width + x) * 3;
    return {pixel[0], pixel[1], pixel[2]};
  }
};

Picture decoded(Bytes jpeg) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_YCbCr;
  jpeg_start_decompress(&info);
  Picture out{info.output_width, info.output_height, {}};
  out.pixels.resize(size_t{out.width} * out.height * 3);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = out.pixels.data() + size_t{info.output_scanline} * out.width * 3;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return out;
}

bool near(Colour a, Colour b) {
  for (size_t i = 0; i < a.size(); ++i)
    if (std::abs(a[i] - b[i]) > 4) return false;
  return true;
}

constexpr Colour kGrey = {64, 128, 128}, kRed = {82, 90, 240}, kBlue = {41, 240, 110};
constexpr SheetLayout kLayout = {3, 2, 320, 180, 4};  // tiles of 160 x 90

TEST(JpegSheetTest, PicturesAreTilesRowByRow) {
  auto sheet = JpegSheet::make(kLayout);
  ASSERT_TRUE(sheet);
  EXPECT_TRUE(sheet->put(1, jpeg_of(320, 180, kRed)));
  EXPECT_TRUE(sheet->put(3, jpeg_of(320, 180, kBlue)));
  const auto jpeg = sheet->encode();
  ASSERT_TRUE(jpeg);
  const Picture seen = decoded(*jpeg);
  EXPECT_EQ(seen.width, 480u);
  EXPECT_EQ(seen.height, 180u);
  EXPECT_TRUE(near(seen.at(80, 45), kGrey));
  EXPECT_TRUE(near(seen.at(170, 10), kRed));
  EXPECT_TRUE(near(seen.at(310, 80), kRed));
  EXPECT_TRUE(near(seen.at(400, 45), kGrey));
  EXPECT_TRUE(near(seen.at(80, 135), kBlue));
  EXPECT_TRUE(near(seen.at(240, 135), kGrey));
  EXPECT_FALSE(sheet->put(6, jpeg_of(320, 180, kRed))) << "there are six";
}

TEST(JpegSheetTest, OddSizesFitTheirTiles) {
  auto sheet = JpegSheet::make({2, 1, 135, 241, 5});
  ASSERT_TRUE(sheet);
  EXPECT_TRUE(sheet->put(0, jpeg_of(135, 241, kRed)));
  const Picture seen = decoded(*sheet->encode());
  EXPECT_EQ(seen.width, 2 * 85u);
  EXPECT_EQ(seen.height, 151u);
}

// None of them changes its tile, whatever was decoded before that was seen.
TEST(JpegSheetTest, WhatIsNoWholePictureOfItsSizeStaysGrey) {
  auto sheet = JpegSheet::make(kLayout);
  ASSERT_TRUE(sheet);
  const ByteVector whole = jpeg_of(320, 180, kRed);
  EXPECT_FALSE(sheet->put(0, {}));
  EXPECT_FALSE(sheet->put(0, jpeg_of(322, 180, kRed)));
  EXPECT_FALSE(sheet->put(0, jpeg_of(4096, 4096, kRed)));
  EXPECT_FALSE(sheet->put(0, jpeg_of(320, 180, kRed, {.progressive = true})));
  EXPECT_FALSE(sheet->put(0, jpeg_of(320, 180, kRed, {.grey = true})));
  for (size_t length = 1; length + 2 < whole.size(); ++length)
    EXPECT_FALSE(sheet->put(0, Bytes(whole).first(length))) << length;
  const Picture seen = decoded(*sheet->encode());
  EXPECT_TRUE(near(seen.at(10, 10), kGrey));
  EXPECT_TRUE(near(seen.at(150, 80), kGrey));
  EXPECT_TRUE(sheet->put(0, whole)) << "it can still be used";
}

// A size that lies, and every byte wrong in turn: no crash, and the other tiles stay as they are.
TEST(JpegSheetTest, DamageStaysInItsTile) {
  auto sheet = JpegSheet::make(kLayout);
  ASSERT_TRUE(sheet);
  ASSERT_TRUE(sheet->put(4, jpeg_of(320, 180, kBlue)));
  const ByteVector whole = jpeg_of(320, 180, kRed);
  for (size_t at = 0; at < whole.size(); ++at)
    for (const unsigned wrong : {0x00u, 0x7fu, 0xffu}) {
      ByteVector damaged = whole;
      damaged[at] = static_cast<std::byte>(wrong);
      (void)sheet->put(0, damaged).has_value();
    }
  EXPECT_FALSE(sheet->put(0, Bytes(whole).first(whole.size() / 2)));
  const Picture seen = decoded(*sheet->encode());
  EXPECT_TRUE(near(seen.at(80, 45), kGrey));
  EXPECT_TRUE(near(seen.at(240, 135), kBlue));
  EXPECT_TRUE(near(seen.at(170, 10), kGrey));
}

TEST(JpegSheetTest, ALayoutHasLimits) {
  EXPECT_FALSE(JpegSheet::make({}));
  EXPECT_FALSE(JpegSheet::make({5, 5, 320, 180, 0}));
  EXPECT_FALSE(JpegSheet::make({5, 5, 320, 180, 9}));
  EXPECT_FALSE(JpegSheet::make({5, 5, 320, 320, 8}));
  EXPECT_FALSE(JpegSheet::make({70'000, 1, 1, 1, 8}));
  EXPECT_TRUE(JpegSheet::make({5, 5, 1280, 1280, 1}));
}

class SheetsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "headgate-sheets-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  // A media file that has nothing but these segments.
  SheetWanted wanted(const std::string& file, const std::vector<ByteVector>& pictures) const {
    SheetWanted out{kLayout, {}};
    std::ofstream to(root_ + "/" + file, std::ios::binary);
    uint64_t offset = 0;
    for (const ByteVector& picture : pictures) {
      const auto size = static_cast<uint32_t>(picture.size() + 8);
      for (const unsigned shift : {24u, 16u, 8u, 0u}) to.put(static_cast<char>(size >> shift));
      to << "mdat";
      to.write(reinterpret_cast<const char*>(picture.data()), static_cast<std::streamsize>(picture.size()));
      out.pictures.push_back({file, offset, size});
      offset += size;
    }
    out.pictures.resize(6);
    return out;
  }
  Result<Sheets::Made> get(Sheets& sheets, SheetWanted what) {
    std::optional<Result<Sheets::Made>> got;
    sheets.get(std::move(what), [&](Result<Sheets::Made> made) {
      got = std::move(made);
      loop_.stop();
    });
    if (!got) loop_.run();
    return std::move(*got);
  }
  static Picture seen(const Sheets::Made& made) {
    gsize size = 0;
    const auto* data = static_cast<const std::byte*>(g_bytes_get_data(made.jpeg.get(), &size));
    return decoded(Bytes(data, size));
  }
  std::vector<fs::path> kept() const {
    std::vector<fs::path> out;
    for (const auto& entry : fs::directory_iterator(root_ + "/" + kSheetFolder)) out.push_back(entry.path());
    return out;
  }

  std::string root_;
  Loop loop_;
};

TEST_F(SheetsTest, OneIsMadeOnceAndKept) {
  Sheets sheets(loop_, root_);
  const SheetWanted what = wanted("a.mp4", {jpeg_of(320, 180, kRed), jpeg_of(320, 180, kBlue)});
  auto made = get(sheets, what);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_TRUE(made->complete);
  EXPECT_TRUE(near(seen(*made).at(240, 45), kBlue));
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_EQ(kept().front().filename(), what.name() + ".jpg");
  fs::remove(root_ + "/a.mp4");
  made = get(sheets, what);
  ASSERT_TRUE(made) << "it is there, though what it was made of is not";
  EXPECT_TRUE(near(seen(*made).at(80, 45), kRed));
}

TEST_F(SheetsTest, ADamagedPictureIsGreyForGood) {
  Sheets sheets(loop_, root_);
  const auto made = get(sheets, wanted("a.mp4", {ByteVector(100), jpeg_of(320, 180, kBlue)}));
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->complete);
  EXPECT_TRUE(near(seen(*made).at(80, 45), kGrey));
  EXPECT_TRUE(near(seen(*made).at(240, 45), kBlue));
}

TEST_F(SheetsTest, OneThatCannotBeReadIsTriedAgain) {
  Sheets sheets(loop_, root_);
  SheetWanted what = wanted("a.mp4", {jpeg_of(320, 180, kRed)});
  what.pictures[1] = {"b.mp4", 0, 100};
  const auto made = get(sheets, what);
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->complete);
  EXPECT_FALSE(fs::exists(root_ + "/" + kSheetFolder));
  what.pictures[0] = {"../a.mp4", 0, 100};
  EXPECT_EQ(get(sheets, what).error().code, ENODATA) << "none is left";
  what.pictures[0] = {"a.mp4", 0, kMaxPictureBytes + 1};
  EXPECT_EQ(get(sheets, what).error().code, ENODATA);
}

TEST_F(SheetsTest, TheOldestLeaveAndWhatWasHalfWritten) {
  const SheetWanted first = wanted("a.mp4", {jpeg_of(320, 180, kRed)}),
                    second = wanted("b.mp4", {jpeg_of(320, 180, kBlue)});
  EXPECT_NE(first.name(), second.name());
  uint64_t size = 0;
  {
    Sheets sheets(loop_, root_);
    ASSERT_TRUE(get(sheets, first));
    size = fs::file_size(kept().front());
  }
  std::ofstream(root_ + "/" + kSheetFolder + "/x.jpg.tmp") << "half";
  fs::last_write_time(kept().front(), fs::file_time_type::clock::now() - std::chrono::hours(1));
  Sheets sheets(loop_, root_, size + size / 2);
  ASSERT_TRUE(get(sheets, second));
  ASSERT_EQ(kept().size(), 1u);
  EXPECT_EQ(kept().front().filename(), second.name() + ".jpg");
}

TEST_F(SheetsTest, NotAllCanWait) {
  Sheets sheets(loop_, root_);
  const SheetWanted what = wanted("a.mp4", {jpeg_of(320, 180, kRed)});
  size_t served = 0, refused = 0;
  for (size_t i = 0; i <= kMaxWaitingSheets; ++i)
    sheets.get(what, [&](const Result<Sheets::Made>& made) {
      made ? ++served : ++refused;
      if (!made) {
        EXPECT_EQ(made.error().code, EBUSY);
      }
      if (served + refused == kMaxWaitingSheets + 1) loop_.stop();
    });
  loop_.run();
  EXPECT_EQ(refused, 1u);
  EXPECT_TRUE(get(sheets, what)) << "later there is room";
}

}  // namespace
}  // namespace headgate::origin
