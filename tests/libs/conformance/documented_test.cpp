// SPDX-License-Identifier: LGPL-2.1-or-later
// docs/check.md has the rules as they are in the source.
#include <gtest/gtest.h>

#include <conformance/rule.h>

#include "files.h"

namespace headgate {
namespace {

std::string table(std::span<const conformance::Rule> rules) {
  std::string out = "| rule | clause | | demands | what to do |\n|---|---|---|---|---|\n";
  for (const conformance::Rule& rule : rules)
    out += std::string("| `") + rule.id + "` | " + rule.clause + " | " + severity_name(rule.severity) +
           " | " + rule.demand + " | " + rule.remedy + " |\n";
  return out;
}

std::string documented(const std::string& name) {
  const std::string text = test::file_text("../../../docs/check.md");
  const std::string begin = "<!-- made from subprojects/conformance: " + name + " -->\n";
  const size_t from = text.find(begin);
  if (from == std::string::npos) return "";
  return text.substr(from + begin.size(), text.find("<!-- end -->", from) - from - begin.size());
}

TEST(Documented, RulesOfHls) {
  EXPECT_EQ(documented("hls"), table(conformance::hls_rules()));
}

TEST(Documented, RulesOfDash) {
  EXPECT_EQ(documented("dash"), table(conformance::dash_rules()));
}

}  // namespace
}  // namespace headgate
