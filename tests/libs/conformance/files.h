// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

#include <conformance/m3u8.h>

namespace headgate::test {

inline std::string file_text(const std::string& name) {
  std::ifstream file(std::string(HEADGATE_TEST_FILES) + "/" + name, std::ios::binary);
  if (!file) throw std::runtime_error("there is no " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::set<std::string> ids(const conformance::Findings& findings) {
  std::set<std::string> out;
  for (const conformance::Finding& finding : findings) out.insert(finding.rule->id);
  return out;
}

inline std::string text_of(const conformance::Findings& findings) {
  std::string out;
  for (const conformance::Finding& finding : findings)
    out +=
        std::string(finding.rule->id) + ", line " + std::to_string(finding.line) + ": " + finding.what + "\n";
  return out;
}

inline conformance::MediaPlaylist media_playlist(const std::string& text) {
  conformance::Parsed parsed = conformance::parse_playlist(text);
  if (!parsed.media || !parsed.findings.empty())
    throw std::runtime_error("not a right playlist: " + text_of(parsed.findings));
  return *std::move(parsed.media);
}

}  // namespace headgate::test
