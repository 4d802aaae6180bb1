// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <headgate/operate/table.h>

#include <cmath>

namespace headgate::cli {
namespace {

TEST(Table, ColumnsAreAsWideAsTheirCells) {
  Table table({{"N", true}, {"NAME"}, {"REST"}});
  table.row({"1", "a", "x"});
  table.row({"1000", "日本", ""});
  EXPECT_EQ(table.text(),
            "   N  NAME  REST\n"
            "   1  a     x\n"
            "1000  日本\n");
}

TEST(Table, StrangersTextsAreHarmless) {
  EXPECT_EQ(printable("a\x1b[2Jb\n\x7f"), "a [2Jb  ");
  EXPECT_EQ(printable("\xff\xc3\xa4\xe2\x82"), "?ä??");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "evil\xc2\x9b"),
            " evil ");
}

TEST(Table, TextsAreFittedByWhatTheyTakeOnAScreen) {
  EXPECT_EQ(fitted("ab", 4), "ab  ");
  EXPECT_EQ(fitted("ab", 4, true), "  ab");
  EXPECT_EQ(fitted("abcdef", 4), "abcd");
  EXPECT_EQ(fitted("日本", 3), "日 ");
  EXPECT_EQ(width_of("日本e\xcc\x81"), 5U);
}

TEST(Table, QuantitiesAreShort) {
  EXPECT_EQ(short_duration(59), "59s");
  EXPECT_EQ(short_duration(61), "1m01s");
  EXPECT_EQ(short_duration(3 * 3600 + 5 * 60), "3h05m");
  EXPECT_EQ(short_duration(50 * 3600), "2d02h");
  EXPECT_EQ(short_duration(1e9), "9999d");
  EXPECT_EQ(short_duration(std::nan("")), "-");
  EXPECT_EQ(clock_text(3661), "1:01:01");
  EXPECT_EQ(bytes_text(999), "999 B");
  EXPECT_EQ(bytes_text(3.21e12), "3.2 TB");
  EXPECT_EQ(bit_rate_text(18'240'000), "18.2 Gbit/s");
}

}  // namespace
}  // namespace headgate::cli
