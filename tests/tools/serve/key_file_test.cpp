// SPDX-License-Identifier: LGPL-2.1-or-later
// Files of settings, and what in them is not for everybody.
#include "serve/key_file.h"

#include <gtest/gtest.h>

#include "scratch_directory.h"
#include "serve/instance_file.h"

namespace headgate::serve {
namespace {

class KeyFileTest : public testing::Test {
 protected:
  std::string file(const std::string& text) {
    scratch_.write("a.conf", text);
    return scratch_.path() + "/a.conf";
  }
  // "": there is none of them.
  std::string secrets_in(const std::string& text) {
    const auto all = read_key_file(file(text));
    if (!all) return all.error().message;
    std::string out;
    for (const KeyValue& one : *all)
      if (is_secret(one)) out += (out.empty() ? "" : " ") + one.key;
    return out;
  }
  const test::ScratchDirectory scratch_;
};

TEST_F(KeyFileTest, SecretsArePasswordsKeysAndAddressesWithMoreThanHostAndPort) {
  EXPECT_EQ(secrets_in("[p]\nuri=rtmp://host/app/stream-key\nother=srt://host:9000\n"), "uri");
  EXPECT_EQ(secrets_in("[p]\nuri = srt://host:9000?streamid=/live/a&x=/b\n"), "uri")
      << "whatever else is in it";
  EXPECT_EQ(secrets_in("[p]\nwebhook=https://hooks.example.com/T0?next=/all\n"), "webhook");
  EXPECT_EQ(secrets_in("[p]\npassphrase=/7Zx0\nStream-Key = abc\n"), "passphrase Stream-Key");
}

TEST_F(KeyFileTest, WhatIsACommentAFileOrNothingIsNone) {
  EXPECT_EQ(secrets_in("# uri=rtmp://host/app/key\n  # passphrase=abc\n\n[p]\npassphrase=\nhost=h\n"), "");
  scratch_.write("tls.key", "x");
  const std::string key = scratch_.path() + "/tls.key";
  EXPECT_EQ(secrets_in("[p]\ntls-key=" + key + "\nother-key = " + key + "\n"), "");
  EXPECT_EQ(secrets_in("[p]\ntls-key=" + key + "x\n"), "tls-key") << "there is no such file: it may be a key";
}

TEST_F(KeyFileTest, ValueThatIsNoTextIsRefusedAndNotShown) {
  const auto wrong = read_key_file(file("[p]\nhost=h\npassphrase=top\xff\n"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("/a.conf: [p] passphrase: the value is no text"), std::string::npos)
      << wrong.error().message;
  EXPECT_EQ(wrong.error().message.find("top"), std::string::npos) << wrong.error().message;
  const auto all = read_key_file(file("[p]\npassphrase=a\\\\b\\sc\nother=a\\b\n"));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->front().value, "a\\b c");
  EXPECT_EQ(all->back().value, "a\\b") << "as it stands";
}

TEST_F(KeyFileTest, PipelineOfTheNodesOwnSaysWhetherItsFileHasOne) {
  scratch_.write("pipelines/out.json",
                 R"({"name": "out", "about": "Of a test.", "trigger": "always",)"
                 R"( "parameters": {"uri": {"type": "string", "default": "", "about": "where to"}},)"
                 R"( "elements": ["fakesrc ! fakesink name=\"${uri}\""]})");
  const InstanceNode node{
      scratch_.path(), scratch_.path(), "n01", scratch_.path(), 77, scratch_.path() + "/pipelines"};
  for (const auto& [uri, secret] : {std::pair("rtmp://host/app/key", true), {"rtmp://host", false}}) {
    file(std::string("[pipeline]\ndescription=out\n[parameters]\nuri=") + uri + "\n");
    const auto wanted = read_instance(node, "a", node.descriptions);
    ASSERT_TRUE(wanted) << wanted.error().message;
    EXPECT_EQ(wanted->secret, secret) << uri;
  }
}

}  // namespace
}  // namespace headgate::serve
