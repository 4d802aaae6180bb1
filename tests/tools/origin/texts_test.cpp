// SPDX-License-Identifier: LGPL-2.1-or-later
// The origin's texts: what is packed is what zlib unpacks, once for each change; and lines about errors.
#include <error_lines.h>
#include <gtest/gtest.h>
#include <plain_request.h>
#include <text.h>
#include <zlib.h>

#include <random>
#include <string>

namespace headgate::origin {
namespace {

BytesPtr bytes(const std::string& text) {
  return BytesPtr(g_bytes_new(text.data(), text.size()));
}

std::string text_of(GBytes* bytes) {
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(bytes, &size));
  return {data, size};
}

// One gzip member, and nothing behind it; checks its sum and length.
std::string unpacked(const std::string& packed) {
  constexpr int kGzip = 16;
  z_stream stream{};
  EXPECT_EQ(::inflateInit2(&stream, kGzip + MAX_WBITS), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  int done = Z_OK;
  while (done == Z_OK) {
    char piece[4096];
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    done = ::inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  EXPECT_EQ(done, Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  ::inflateEnd(&stream);
  return out;
}

std::string whole(const Packed& packed, const std::string& more = "") {
  return text_of(packed.begin.get()) + gzip_end(*packed.open, more);
}

std::string playlist(int first, int last) {
  std::string out = "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:" + std::to_string(first) + "\n";
  for (int msn = first; msn < last; ++msn)
    out += "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:" + std::to_string(msn * 2000) + "Z\n#EXTINF:2.000000,\n" +
           std::to_string(msn) + ".m4s\n";
  return out;
}

TEST(Packer, PacksAnyText) {
  Packer packer;
  std::mt19937 random(1);
  for (const size_t size : {0u, 1u, 100u, 5000u, 65536u, 300'000u}) {
    std::string lines, noise;
    while (lines.size() < size) lines += std::string(random() % 200, 'x') + std::to_string(random()) + "\n";
    while (noise.size() < size) noise += static_cast<char>(random() % 2 ? random() : 'a');
    for (const std::string& text : {lines, noise, std::string(size, '\n'), std::string(size, 'x')}) {
      const Packed packed = packer.pack(bytes(text));
      EXPECT_EQ(unpacked(whole(packed)), text);
      EXPECT_EQ(unpacked(whole(packed, "more")), text + "more");
      EXPECT_EQ(unpacked(whole(packed, std::string(65535, 'm'))), text + std::string(65535, 'm'));
    }
  }
}

TEST(Packer, CompressesWhatIsNewOnly) {
  Packer packer;
  const std::string first = playlist(0, 3600);
  const Packed packed = packer.pack(bytes(first));
  EXPECT_EQ(packer.compressed(), first.size());
  EXPECT_LT(g_bytes_get_size(packed.begin.get()), first.size() / 4);
  constexpr int kChanges = 100;
  for (int i = 1; i <= kChanges; ++i) {
    const std::string text = playlist(i, 3600 + i);
    ASSERT_EQ(unpacked(whole(packer.pack(bytes(text)))), text);
  }
  EXPECT_LT((packer.compressed() - first.size()) / kChanges, first.size() / 6);
}

TEST(KeptText, IsMadeOnceForEachVersion) {
  KeptText kept;
  int made = 0;
  const auto make = [&made] { return std::to_string(++made); };
  const TextPtr first = kept.get({1, 2, 3, 4}, make);
  EXPECT_EQ(kept.get({1, 2, 3, 4}, make), first);
  EXPECT_EQ(made, 1);
  EXPECT_NE(kept.get({1, 2, 4, 4}, make), first);
  EXPECT_EQ(text_of(first->plain().get()), "1");
  kept.forget();
  EXPECT_EQ(text_of(kept.get({1, 2, 4, 4}, make)->plain().get()), "3");
}

TEST(KeptText, IsPackedWhereItIsLong) {
  KeptText kept;
  EXPECT_EQ(kept.get({}, [] { return std::string(kLeastPackedBytes - 1, 'x'); })->packed(), nullptr);
  const std::string text = playlist(0, 1000);
  const TextPtr made = kept.get({1}, [&text] { return text; });
  GBytes* const packed = made->packed();
  ASSERT_NE(packed, nullptr);
  EXPECT_EQ(unpacked(text_of(packed) + made->packed_end("<end/>")), text + "<end/>");
  EXPECT_EQ(made->packed(), packed) << "once";
}

TEST(Text, IsPackedBySomebodyElse) {
  const Text text(bytes("plain"), bytes("packed"));
  EXPECT_EQ(text_of(text.packed()), "packed");
  EXPECT_EQ(text.packed_end(""), "");
  EXPECT_EQ(Text(bytes("plain"), nullptr).packed(), nullptr);
}

TEST(AcceptsGzip, AsTheClientSays) {
  for (const char* yes : {"gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1", "GZIP", "x-gzip", "*",
                          "deflate , gzip ;q=0.001", "identity;q=0, *"})
    EXPECT_TRUE(accepts_gzip(yes)) << yes;
  for (const char* no :
       {"", "identity", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzip2", "deflate, br", ",", ";"})
    EXPECT_FALSE(accepts_gzip(no)) << no;
}

TEST(ForwardedFor, IsTheLastAddress) {
  EXPECT_EQ(forwarded_for("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(forwarded_for("unknown, 192.0.2.1 ,\t2001:db8::1 "), "2001:db8::1");
  for (const char* none : {"", ",", "192.0.2.1,", "192.0.2.1, a b", "\"[2001:db8::1]:80\"",
                           "1234567890123456789012345678901234567890123456"})
    EXPECT_EQ(forwarded_for(none), "") << none;
  const auto request =
      plain_request("GET /hls/1/media.m3u8 HTTP/1.1\r\nHost: x\r\nx-forwarded-for: 192.0.2.1\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->forwarded_for, "192.0.2.1");
}

TEST(ErrorLines, TellOnceAndThenHowOften) {
  ErrorLines lines;
  const int64_t later_us = (kSameErrorMs + 1) * 1000;
  EXPECT_EQ(lines.line("a: gone", 0), "a: gone");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(lines.line("a: gone", i), std::nullopt);
  EXPECT_EQ(lines.line("b: gone", 1), "b: gone");
  EXPECT_EQ(lines.line("a: gone", later_us), "a: gone (and 5 times since it was last told)");
  EXPECT_EQ(lines.line("a: gone", later_us + 1), std::nullopt);
}

TEST(ErrorLines, AreSoManyAtMost) {
  ErrorLines lines;
  for (size_t i = 0; i < kMaxErrorsKept; ++i) EXPECT_TRUE(lines.line(std::to_string(i), 0));
  EXPECT_FALSE(lines.line("one more", 0));
  EXPECT_TRUE(lines.line("one more", (kSameErrorMs + 1) * 1000));
}

}  // namespace
}  // namespace headgate::origin
