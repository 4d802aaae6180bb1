// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/open_secrets.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "scratch_directory.h"

namespace headgate::tools {
namespace {

class OpenSecrets : public testing::Test {
 protected:
  const test::ScratchDirectory scratch_;
};

TEST_F(OpenSecrets, WhoReadsAFileIsItsModesMatter) {
  const std::string path = scratch_.path() + "/node.conf";
  EXPECT_FALSE(everybody_reads(path)) << "there is none";
  scratch_.write("node.conf", "x");
  for (const auto& [mode, everybody] :
       {std::pair(0644U, true), {0604U, true}, {0640U, false}, {0600U, false}}) {
    ::chmod(path.c_str(), mode);
    EXPECT_EQ(everybody_reads(path), everybody) << std::oct << mode;
  }
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
