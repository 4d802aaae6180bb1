// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <preflight/report.h>

namespace headgate::preflight {
namespace {

std::vector<Row> some_rows() {
  Outcome good, worse;
  good.measured = "synchronised";
  worse.measured = "event 77";
  worse.warn("an issuer's key", "remove it").fail("a key for everybody\033[2J", "chmod o= key");
  return {{"clock", good, 1}, {"keys", worse, 2}, {"tickets", Outcome::skip("none given"), 0}};
}

TEST(PreflightReport, SaysWhatToDo) {
  const auto rows = some_rows();
  EXPECT_EQ(row_text(rows[0], false), "✔ clock         synchronised\n");
  EXPECT_EQ(row_text(rows[1], false),
            "✘ keys          event 77\n"
            "                ! an issuer's key\n"
            "                → remove it\n"
            "                ✘ a key for everybody [2J\n"
            "                → chmod o= key\n");
  EXPECT_EQ(row_text(rows[2], false), "· tickets       none given\n");
  EXPECT_EQ(summary_text(rows, false), "1 passed, 1 failed, 1 not tried\n");
  EXPECT_EQ(row_text(rows[0], true), "\033[32m✔ clock        \033[0m synchronised\n");
}

TEST(PreflightReport, IsAnObjectForPrograms) {
  EXPECT_EQ(report_json("/data", "stopped", some_rows()),
            R"({"data":"/data","node":"stopped","checks":[)"
            R"({"name":"clock","result":"pass","measured":"synchronised","ms":1,"findings":[]},)"
            R"({"name":"keys","result":"fail","measured":"event 77","ms":2,"findings":[)"
            R"({"result":"warn","what":"an issuer's key","do":"remove it"},)"
            R"({"result":"fail","what":"a key for everybody\u001b[2J","do":"chmod o= key"}]},)"
            R"({"name":"tickets","result":"skip","measured":"none given","ms":0,"findings":[]}],)"
            R"("passed":1,"warnings":0,"failed":1,"skipped":1})"
            "\n");
}

TEST(PreflightReport, OnlyAFailureIsOne) {
  auto rows = some_rows();
  EXPECT_EQ(exit_code(rows), 1);
  rows[1].outcome.findings.pop_back();
  EXPECT_EQ(rows[1].outcome.level(), Level::warn);
  EXPECT_EQ(exit_code(rows), 0);
  EXPECT_EQ(exit_code({}), 0);
}

}  // namespace
}  // namespace headgate::preflight
