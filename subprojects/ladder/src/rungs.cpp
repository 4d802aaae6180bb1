// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ladder/rungs.h>

#include <algorithm>
#include <charconv>
#include <tuple>

namespace headgate::ladder {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// Digits alone, the first no zero; 0: it is something else.
uint32_t number(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && text.front() != '0' ? value : 0;
}

std::string range(uint32_t least, uint32_t most) {
  return std::to_string(least) + " to " + std::to_string(most);
}

Result<Rung> parse_rung(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos) return Unexpected("no bit rate; write 720p@2500k or audio@64k");
  const std::string_view what = text.substr(0, at), rate = text.substr(at + 1);
  Rung rung;
  if (rate.size() < 2 || rate.back() != 'k' || (rung.kbps = number(rate.substr(0, rate.size() - 1))) == 0)
    return Unexpected("the bit rate is in kilobits, as in 2500k");
  if (what == "audio") {
    rung.name = "audio-" + std::string(rate);
    if (rung.kbps < kMinAudioKbps || rung.kbps > kMaxAudioKbps)
      return Unexpected("an audio rung has " + range(kMinAudioKbps, kMaxAudioKbps) + " kbit/s");
    return rung;
  }
  if (what.size() < 2 || what.back() != 'p' || (rung.lines = number(what.substr(0, what.size() - 1))) == 0)
    return Unexpected("neither lines, as in 720p, nor audio");
  if (rung.lines < kMinLines || rung.lines > kMaxLines || rung.lines % 2 != 0)
    return Unexpected("a picture has " + range(kMinLines, kMaxLines) + " lines, an even number");
  if (rung.kbps < kMinVideoKbps || rung.kbps > kMaxVideoKbps)
    return Unexpected("a video rung has " + range(kMinVideoKbps, kMaxVideoKbps) + " kbit/s");
  rung.name = what;
  return rung;
}

}  // namespace

Result<std::vector<Rung>> parse_rungs(std::string_view text) {
  if (text.size() > kMaxRungsText)
    return Unexpected("rungs: longer than " + std::to_string(kMaxRungsText) + " bytes");
  std::vector<Rung> rungs;
  if (trimmed(text).empty()) return rungs;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view one = trimmed(text.substr(begin, end - begin));
    begin = end + 1;
    const std::string where = "rung " + std::to_string(rungs.size() + 1) + ", \"" + std::string(one) + "\": ";
    if (rungs.size() == kMaxRungs)
      return Unexpected(where + "there are at most " + std::to_string(kMaxRungs));
    Result<Rung> rung = parse_rung(one);
    if (!rung) return Unexpected(where + rung.error().message);
    if (std::any_of(rungs.begin(), rungs.end(), [&](const Rung& other) { return other.name == rung->name; }))
      return Unexpected(where + rung->name + " is there twice");
    rungs.push_back(std::move(rung).value());
  }
  std::sort(rungs.begin(), rungs.end(), [](const Rung& a, const Rung& b) {
    return std::tuple(b.lines, b.kbps) < std::tuple(a.lines, a.kbps);
  });
  return rungs;
}

std::string to_text(const std::vector<Rung>& rungs) {
  std::string text;
  for (const Rung& rung : rungs) {
    if (!text.empty()) text += ',';
    text += (rung.is_audio() ? "audio" : rung.name) + "@" + std::to_string(rung.kbps) + "k";
  }
  return text;
}

}  // namespace headgate::ladder
