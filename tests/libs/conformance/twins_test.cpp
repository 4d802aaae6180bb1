// SPDX-License-Identifier: LGPL-2.1-or-later
// The right playlists break no rule; each wrong twin (wrong.txt) breaks just the rule that it is about.
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include <conformance/playlist_history.h>
#include <conformance/playlist_rules.h>

#include "files.h"

namespace headgate {
namespace {

using conformance::Findings;
using conformance::kSecond;

struct Twin {
  std::string id, first, next;
  bool held = false;
  double seconds = 4;
  std::vector<std::pair<char, std::string>> edits;
  std::set<std::string> expected;
};

std::vector<Twin> twins() {
  std::vector<Twin> out;
  std::istringstream lines(test::file_text("wrong.txt"));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      Twin twin;
      twin.id = line.substr(1, line.find(']') - 1);
      twin.expected = {twin.id};
      std::istringstream words(line.substr(line.find(']') + 1));
      words >> twin.first;
      for (std::string word; words >> word;) {
        if (word == ">")
          words >> twin.next;
        else if (word == "held")
          twin.held = true;
        else
          twin.seconds = std::stod(word);
      }
      out.push_back(twin);
    } else if (line.rfind("also: ", 0) == 0) {
      std::istringstream words(line.substr(6));
      for (std::string word; words >> word;) out.back().expected.insert(word);
    } else {
      out.back().edits.emplace_back(line[0], line.size() > 2 ? line.substr(2) : "");
    }
  }
  return out;
}

std::string replaced(std::string text, const std::string& edit) {
  const size_t arrow = edit.find(" => ");
  const std::string old = edit.substr(0, arrow), now = edit.substr(arrow + 4);
  if (text.find(old) == std::string::npos) throw std::runtime_error("there is no '" + old + "' to replace");
  for (size_t at = 0; (at = text.find(old, at)) != std::string::npos; at += now.size())
    text.replace(at, old.size(), now);
  return text;
}

std::string edited(std::string text, const std::vector<std::pair<char, std::string>>& edits) {
  size_t at = text.size();
  for (const auto& [kind, what] : edits) {
    if (kind == '=') {
      text = replaced(std::move(text), what);
    } else if (kind == '-') {
      const size_t found = ("\n" + text).find("\n" + what + "\n");
      if (found == std::string::npos) throw std::runtime_error("there is no line '" + what + "'");
      text.erase(found, what.size() + 1);
      at = found;
    } else {
      text.insert(at, what + "\n");
      at += what.size() + 1;
    }
  }
  return text;
}

void append(Findings& to, Findings from) {
  to.insert(to.end(), from.begin(), from.end());
}

// All that is found in a reading, by itself and after another.
Findings check(const std::string& text, const std::string& before = "", double seconds = 4,
               bool held = false) {
  conformance::Parsed parsed = conformance::parse_playlist(text);
  Findings findings = parsed.findings;
  if (parsed.multivariant) append(findings, check_multivariant_playlist(*parsed.multivariant));
  if (!parsed.media) return findings;
  append(findings, check_media_playlist(*parsed.media));
  if (before.empty()) return findings;
  conformance::PlaylistHistory history;
  append(findings, history.observe(test::media_playlist(before), {0, 0, false}));
  const auto now = static_cast<conformance::Micros>(seconds * kSecond);
  append(findings, history.observe(*parsed.media, {held ? 0 : now, now, held}));
  return findings;
}

TEST(Twins, RightOnesBreakNothing) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HEADGATE_TEST_FILES "/playlists")) {
    const std::string name = entry.path().filename();
    if (name == "delta.m3u8") continue;
    const Findings findings = check(test::file_text("playlists/" + name));
    EXPECT_TRUE(findings.empty()) << name << ":\n" << test::text_of(findings);
    ++count;
  }
  EXPECT_GE(count, 10u);
}

TEST(Twins, RightOnesFollowEachOther) {
  const std::pair<const char*, const char*> kPairs[] = {{"live", "live"},
                                                        {"live", "live-next"},
                                                        {"live-next", "live-later"},
                                                        {"event", "event-next"},
                                                        {"vod", "vod"},
                                                        {"gap", "gap-next"},
                                                        {"low-latency", "low-latency-next"},
                                                        {"low-latency-next", "low-latency-segment"},
                                                        {"low-latency", "low-latency-segment"}};
  for (const auto& [first, next] : kPairs) {
    const Findings findings = check(test::file_text("playlists/" + std::string(next) + ".m3u8"),
                                    test::file_text("playlists/" + std::string(first) + ".m3u8"), 1);
    EXPECT_TRUE(findings.empty()) << first << ", " << next << ":\n" << test::text_of(findings);
  }
}

TEST(Twins, WrongOnesBreakTheirRule) {
  const std::vector<Twin> all = twins();
  EXPECT_GE(all.size(), 70u);
  for (const Twin& twin : all) {
    SCOPED_TRACE(twin.id + " in " + twin.first + (twin.next.empty() ? "" : " > " + twin.next));
    const std::string first = test::file_text("playlists/" + twin.first);
    const Findings findings = twin.next.empty()
                                  ? check(edited(first, twin.edits))
                                  : check(edited(test::file_text("playlists/" + twin.next), twin.edits),
                                          first, twin.seconds, twin.held);
    EXPECT_EQ(test::ids(findings), twin.expected) << test::text_of(findings);
  }
}

// A source that falls silent leaves less than a part. It may be listed as its segment's last only (4.4.4.9),
// which it is known to be when the source is given up: it comes late, and behind it there is a discontinuity.
class LatePart : public testing::Test {
 protected:
  // What the silence left, in seconds, and the line in front of what follows; ids of what is found.
  std::set<std::string> found(const std::string& rest, const std::string& behind, bool both_at_once = true) {
    const std::string before = test::file_text("playlists/low-latency.m3u8");
    const std::string with = edited(
        before, {{'-', kHint}, {'-', kReport}, {'+', "#EXT-X-PART:DURATION=" + rest + ",URI=\"110.2.m4s\""}});
    const std::string whole = with + "#EXTINF:" + std::to_string(2 + std::stod(rest)) + ",\n110.m4s\n";
    const std::string next = whole + behind + R"(#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:05:10.000Z
#EXT-X-PART:DURATION=1.000000,URI="111.0.m4s",INDEPENDENT=YES
)";
    conformance::PlaylistHistory history;
    Findings findings;
    conformance::Micros at = 0;
    const auto read = [&](const std::string& text, conformance::Micros now) {
      append(findings, history.observe(test::media_playlist(text), {at, at += now, true}));
    };
    read(before, 0);
    if (!both_at_once) read(with, 4 * kSecond);
    read(whole, both_at_once ? 4 * kSecond : 0);
    EXPECT_TRUE(rest != kShort || findings.empty()) << test::text_of(findings);
    read(next, kSecond);
    return test::ids(findings);
  }
  static constexpr char kHint[] = "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"110.2.m4s\"";
  static constexpr char kReport[] =
      "#EXT-X-RENDITION-REPORT:URI=\"../audio/media.m3u8\",LAST-MSN=110,LAST-PART=1";
  static constexpr char kShort[] = "0.400000", kWhole[] = "0.900000";
  const std::set<std::string> late_{"part-late"}, none_;
};

TEST_F(LatePart, IsNoneWhereTheSourceBrokeOff) {
  EXPECT_EQ(found(kShort, "#EXT-X-DISCONTINUITY\n"), none_);
  EXPECT_EQ(found(kShort, "#EXT-X-DISCONTINUITY\n", false), none_);
}

TEST_F(LatePart, IsLateWhereTheSourceWentOn) {
  EXPECT_EQ(found(kShort, ""), late_);
  EXPECT_EQ(found(kShort, "", false), late_);
}

TEST_F(LatePart, IsLateIfItIsLongEnoughToHaveBeenListed) {
  EXPECT_EQ(found(kWhole, "#EXT-X-DISCONTINUITY\n"), late_);
}

// The segment ends with fewer parts than its reader asks for: the answer is held until the next one's first.
TEST_F(LatePart, ASegmentWhoseEndCouldNotBeSeenHasNotStalled) {
  const std::string before =
      edited(test::file_text("playlists/low-latency.m3u8"), {{'-', kHint}, {'-', kReport}});
  const std::string with = before + "#EXT-X-PART:DURATION=0.400000,URI=\"110.2.m4s\"\n";
  const std::string next = with + R"(#EXTINF:2.400000,
110.m4s
#EXT-X-DISCONTINUITY
#EXT-X-PROGRAM-DATE-TIME:2026-01-02T03:05:10.000Z
#EXT-X-PART:DURATION=1.000000,URI="111.0.m4s",INDEPENDENT=YES
)";
  const std::set<std::string> stalled{"stalled"};
  conformance::PlaylistHistory history;
  history.observe(test::media_playlist(before), {0, 0, true});
  history.observe(test::media_playlist(with), {0, 4 * kSecond, true});
  EXPECT_EQ(test::ids(history.waited(8 * kSecond)), none_);
  auto silent = history;
  EXPECT_EQ(test::ids(silent.waited(11 * kSecond)), stalled);
  EXPECT_EQ(test::ids(history.observe(test::media_playlist(next), {4 * kSecond, 9 * kSecond, true})), none_);
  // It did not end, or its end was seen.
  conformance::PlaylistHistory late;
  late.observe(test::media_playlist(before), {0, 0, true});
  EXPECT_EQ(test::ids(late.waited(7 * kSecond)), stalled);
}

TEST(Twins, RulesHaveIdsOfTheirOwn) {
  std::set<std::string> seen;
  for (const conformance::Rule& rule : conformance::hls_rules()) {
    EXPECT_TRUE(seen.insert(rule.id).second) << rule.id;
    EXPECT_FALSE(std::string(rule.demand).empty() || std::string(rule.remedy).empty()) << rule.id;
  }
}

}  // namespace
}  // namespace headgate
