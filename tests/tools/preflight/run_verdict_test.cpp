// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/encoding.h>
#include <base/sha256.h>
#include <gtest/gtest.h>
#include <preflight/run_verdict.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

std::string digest(const std::string& text) {
  return to_hex(sha256(as_bytes(text)));
}

// A run of two segments, written by hand.
class RunVerdictTest : public ::testing::Test {
 protected:
  RunVerdictTest() {
    std::string folder = ::testing::TempDir() + "run-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    before_ = digest(std::string("LTA1 run") + '\0' + folder_.filename().string());
    write("000000.mp4", "initAAAABBBB");
    line(R"("t":"open")");
    line(R"("t":"file","f":0,"len":4,"init":")" + digest("init") + '"');
    line(R"("t":"frag","f":0,"off":4,"len":4,"nf":50,"msn":0,"sha":")" + digest("AAAA") + '"');
    line(R"("t":"frag","f":0,"off":8,"len":4,"nf":51,"msn":1,"sha":")" + digest("BBBB") + '"');
    line(R"("t":"close","f":0,"size":12,"sha":")" + digest("initAAAABBBB") + '"');
  }
  ~RunVerdictTest() override { fs::remove_all(folder_); }

  void line(const std::string& fields) {
    const std::string text = "{" + fields + ",\"p\":\"" + before_ + "\"}";
    chain_ += text + "\n";
    before_ = digest(text);
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  RunVerdict judged() const {
    write("run.jl", chain_);
    return judge_run(folder_.string());
  }

  fs::path folder_;
  std::string chain_, before_;
};

TEST_F(RunVerdictTest, AWholeRunIsGood) {
  EXPECT_EQ(judged().ended, "");
  line(R"("t":"end","reason":"eos")");
  const RunVerdict verdict = judged();
  EXPECT_TRUE(verdict.faults.empty()) << verdict.faults.front();
  EXPECT_EQ(verdict.ended, "eos");
  EXPECT_EQ(verdict.lines, 6U);
  EXPECT_EQ(verdict.segments, 2U);
  EXPECT_EQ(verdict.frames, 101U);
  EXPECT_EQ(verdict.bytes, 8U);
}

TEST_F(RunVerdictTest, MediaThatWasChangedIsFound) {
  write("000000.mp4", "initAAAABBBX");
  const RunVerdict verdict = judged();
  ASSERT_EQ(verdict.faults.size(), 2U);
  EXPECT_EQ(verdict.faults[0], "segment 1 is not what was recorded");
  EXPECT_EQ(verdict.faults[1], "file 0 is not what was recorded");
}

TEST_F(RunVerdictTest, MediaThatIsMissingIsFound) {
  write("000000.mp4", "initAAAA");
  EXPECT_EQ(judged().faults.at(0), "segment 1 is not what was recorded");
  fs::remove(folder_ / "000000.mp4");
  EXPECT_NE(judged().faults.at(0).find("000000.mp4.part"), std::string::npos);
}

TEST_F(RunVerdictTest, ALineThatWasChangedIsFound) {
  chain_.replace(chain_.find("\"nf\":50"), 7, "\"nf\":49");
  ASSERT_EQ(judged().faults.size(), 1U);
  EXPECT_EQ(judged().faults[0], "line 3 does not follow the one before it");
  chain_.resize(chain_.size() - 10);
  EXPECT_EQ(judged().faults.back(), "line 4 is no JSON object");
  chain_.clear();
  EXPECT_EQ(judged().faults.at(0), "the chain is empty");
}

}  // namespace
}  // namespace headgate::preflight
