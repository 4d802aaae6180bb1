// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/open_secrets.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "scratch_directory.h"

namespace headgate::tools {
namespace {

class OpenSecrets : public testing::Test {
 protected:
  std::string file(const std::string& text, unsigned mode) {
    scratch_.write("node.conf", text);
    const std::string path = scratch_.path() + "/node.conf";
    ::chmod(path.c_str(), mode);
    return path;
  }
  const test::ScratchDirectory scratch_;
};

TEST_F(OpenSecrets, AreThoseThatEverybodyReads) {
  constexpr char kSecret[] = "[parameters]\nuri=rtmp://host/app/stream-key\n";
  EXPECT_TRUE(is_open_secret(file(kSecret, 0644)));
  EXPECT_FALSE(is_open_secret(file(kSecret, 0640)));
  EXPECT_FALSE(is_open_secret(file(kSecret, 0600)));
  EXPECT_FALSE(is_open_secret(scratch_.path() + "/nowhere"));
  EXPECT_TRUE(is_open_secret(file("[control]\nwebhook=https://hooks.example.com/T0/B1 all\n", 0644)));
  EXPECT_TRUE(is_open_secret(file("[parameters]\npassphrase=abc\n", 0604)));
}

TEST_F(OpenSecrets, AFileWithoutASecretIsForEverybody) {
  EXPECT_FALSE(is_open_secret(
      file("# rtmp://host/app/stream-key\n[tls]\nkey=/etc/tls.key\n[listen]\nhttp=127.0.0.1:80\n", 0644)));
}

TEST_F(OpenSecrets, FilesOfAFolder) {
  scratch_.write("b.key", "x");
  scratch_.write("a.key", "x");
  scratch_.write("c.pub", "x");
  for (const char* name : {"/a.key", "/b.key", "/c.pub"}) ::chmod((scratch_.path() + name).c_str(), 0644);
  EXPECT_EQ(open_files(scratch_.path(), ".key"),
            (std::vector<std::string>{scratch_.path() + "/a.key", scratch_.path() + "/b.key"}));
  ::chmod((scratch_.path() + "/a.key").c_str(), 0600);
  EXPECT_EQ(open_files(scratch_.path(), ".key").size(), 1u);
  EXPECT_TRUE(open_files(scratch_.path() + "/nowhere", ".key").empty());
}

}  // namespace
}  // namespace headgate::tools
