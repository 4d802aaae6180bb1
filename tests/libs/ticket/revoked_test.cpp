// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <ticket/revoked.h>

namespace headgate::ticket {
namespace {

constexpr char kId[] = "00112233445566778899aabbccddeeff";

TEST(Revoked, AnIdInEachLineAndComments) {
  const auto list = parse_revoked(std::string("# lost phones\n\n  ") + kId + "  # station 421\r\n" + kId +
                                  "\n" + "FF112233445566778899AABBCCDDEEFF");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 2u);
  EXPECT_EQ((*list->begin())[1], std::byte{0x11});
  EXPECT_EQ((*list->rbegin())[0], std::byte{0xff});
  EXPECT_TRUE(parse_revoked("")->empty());
}

TEST(Revoked, AnythingElseIsNamedByItsLine) {
  for (const std::string wrong : {"421", "0011", "zz112233445566778899aabbccddeeff",
                                  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"}) {
    const auto list = parse_revoked(std::string(kId) + "\n" + wrong + "\n");
    ASSERT_FALSE(list) << wrong;
    EXPECT_EQ(list.error().message, "line 2 is no ticket's id (32 hex digits)");
  }
}

}  // namespace
}  // namespace headgate::ticket
