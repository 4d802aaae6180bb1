// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <preflight/our_runs.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

constexpr char kEnd[] = "{\"t\":\"end\",\"reason\":\"eos\"}\n";

class OurRunsTest : public ::testing::Test {
 protected:
  OurRunsTest() {
    std::string folder = ::testing::TempDir() + "station-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
  }
  ~OurRunsTest() override { fs::remove_all(folder_); }

  std::string run(const std::string& name, const std::string& ticket, const std::string& peer,
                  const std::string& rest = kEnd) const {
    fs::create_directory(folder_ / name);
    std::ofstream(folder_ / name / "run.jl")
        << R"({"t":"open","tid":")" << ticket << R"(","peer":")" << peer << "\"}\n"
        << rest;
    return (folder_ / name).string();
  }

  fs::path folder_;
};

TEST_F(OurRunsTest, OnlyWhatThePublisherItselfHasRecordedGoes) {
  const std::string earlier = run("1-earlier", "aa", "127.0.0.1:4000");
  OurRuns runs(folder_.string(), "aa");
  runs.add_ports({4000, 4001});
  const std::string first = run("2-first", "aa", "127.0.0.1:4000"),
                    second = run("3-second", "aa", "127.0.0.1:4001");
  // The phone whose ticket it is; the same port elsewhere; another ticket; nothing in it yet.
  const std::string phone = run("4-phone", "aa", "127.0.0.1:4002"),
                    far = run("5-far", "aa", "192.0.2.1:4000"),
                    other = run("6-other", "bb", "127.0.0.1:4000"),
                    living = run("7-living", "aa", "192.0.2.1:7", "");
  fs::create_directory(folder_ / "8-empty");
  EXPECT_EQ(runs.list(), (std::vector{first, second}));
  EXPECT_TRUE(runs.remove_ended().empty());
  EXPECT_FALSE(fs::exists(first) || fs::exists(second));
  for (const std::string& one : {earlier, phone, far, other, living})
    EXPECT_TRUE(fs::exists(one + "/run.jl")) << one;
  EXPECT_TRUE(fs::exists(folder_ / "8-empty"));
}

TEST_F(OurRunsTest, WhatHasNoEndStays) {
  OurRuns runs(folder_.string(), "aa");
  runs.add_ports({4000});
  const std::string ours = run("1", "aa", "127.0.0.1:4000", "");
  EXPECT_EQ(runs.remove_ended(), std::vector{ours});
  EXPECT_TRUE(fs::exists(ours + "/run.jl"));
  std::ofstream(ours + "/run.jl", std::ios::app) << kEnd;
  EXPECT_TRUE(runs.remove_ended().empty());
  EXPECT_FALSE(fs::exists(folder_)) << "nobody else has recorded there";
}

}  // namespace
}  // namespace headgate::preflight
