// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/json_member.h>
#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

TEST(JsonMember, IsCutOutAsItStands) {
  const std::string text = R"( { "a" : 5 , "b": [ 1, {"c": "]"} ] , "c":"x\"}y","d":{"e":[]},"f":null})";
  EXPECT_EQ(json_member(text, "a"), "5");
  EXPECT_EQ(json_member(text, "b"), R"([ 1, {"c": "]"} ])");
  EXPECT_EQ(json_member(text, "c"), R"("x\"}y")");
  EXPECT_EQ(json_member(text, "d"), R"({"e":[]})");
  EXPECT_EQ(json_member(text, "f"), "null");
  EXPECT_EQ(json_member(text, "e"), std::nullopt) << "it is a member of another";
  EXPECT_EQ(json_member(text, "x"), std::nullopt);
  const auto place = json_member(text, "b");
  ASSERT_TRUE(place);
  EXPECT_EQ(static_cast<size_t>(place->data() - text.data()), text.find("[ 1"));
}

TEST(JsonMember, OfAnotherOrOfAValueIsNone) {
  EXPECT_EQ(json_member(R"({"a":{"list":[1]},"list":[2]})", "list"), "[2]");
  EXPECT_EQ(json_member(R"({"a":"\"list\":[1]","list":[2]})", "list"), "[2]");
  EXPECT_EQ(json_member(R"({"a":["list",[1]],"list":[2]})", "list"), "[2]");
}

TEST(JsonMember, WhatIsNoObjectHasNone) {
  for (const char* text : {"", " ", "[", "[\"a\",1]", "{", "{}", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[1",
                           "{\"a\":\"1", "{\"a\":1", "{\"a\":}", "{\"b\":1 \"a\":2}", "{\"b\\", "{a:1}"})
    EXPECT_EQ(json_member(text, "a"), std::nullopt) << text;
}

}  // namespace
}  // namespace headgate
