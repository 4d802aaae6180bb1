// SPDX-License-Identifier: LGPL-2.1-or-later
// What EXT-X-STREAM-INF says of what is behind it (draft-pantos-hls-rfc8216bis-22, 4.4.6.2 and 6.2.4).
#include <algorithm>
#include <cctype>
#include <cmath>

#include <conformance/presentation.h>

#include "text.h"

namespace headgate::conformance {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string kbits(double bits) {
  return std::to_string(static_cast<int64_t>(bits / 1000)) + " kbit/s";
}

void codecs(const Variant& variant, const std::vector<const SegmentChecker*>& media, bool complete,
            Findings& findings) {
  if (variant.codecs.empty()) return;
  std::set<std::string> seen;
  for (const SegmentChecker* one : media) seen.insert(one->codecs().begin(), one->codecs().end());
  for (const std::string& codec : seen)
    if (std::none_of(variant.codecs.begin(), variant.codecs.end(),
                     [&](const std::string& listed) { return codec_matches(listed, codec); }))
      add(findings, "codecs-untrue", variant.line, variant.uri + " has " + codec + ", CODECS does not");
  if (!complete || seen.empty()) return;
  for (const std::string& listed : variant.codecs)
    if (std::none_of(seen.begin(), seen.end(),
                     [&](const std::string& codec) { return codec_matches(listed, codec); }))
      add(findings, "codecs-extra", variant.line, "CODECS has " + listed + ", " + variant.uri + " does not");
}

void picture(const Variant& variant, const SegmentChecker& media, Findings& findings) {
  const MediaTrack* video = media.video();
  if (!video) return;
  if (variant.resolution) {
    const auto [width, height] = *variant.resolution;
    const bool coded = width == video->width && height == video->height;
    const bool shown = width == video->display_width && height == video->display_height;
    if (!coded && !shown)
      add(findings, "resolution-untrue", variant.line,
          "RESOLUTION is " + std::to_string(width) + "x" + std::to_string(height) + ", pictures are " +
              std::to_string(video->width) + "x" + std::to_string(video->height));
  }
  const double is = media.frame_rate();
  if (!variant.frame_rate || is == 0) return;
  const double stated = static_cast<double>(*variant.frame_rate) / kSecond;
  if (std::abs(stated - is) > is * kFrameRateSlack) {
    char text[80];
    std::snprintf(text, sizeof text, "FRAME-RATE is %.3f, pictures come at %.3f", stated, is);
    add(findings, "frame-rate-untrue", variant.line, text);
  }
}

// What mixes ranges has the higher one's.
void range(const Variant& variant, const SegmentChecker& media, Findings& findings) {
  constexpr uint16_t kPq = 16, kHlg = 18;
  const MediaTrack* video = media.video();
  if (!video || (video->transfer != kPq && video->transfer != kHlg)) return;
  const bool right = variant.range == "PQ" || (variant.range == "HLG" && video->transfer == kHlg);
  if (!right)
    add(findings, "video-range", variant.line,
        "VIDEO-RANGE is " + variant.range + ", pictures are " + (video->transfer == kPq ? "PQ" : "HLG"));
}

}  // namespace

bool codec_matches(const std::string& listed, const std::string& seen) {
  const std::string a = lower(listed), b = lower(seen);
  // The long forms of AV1 and VP9 go on with what the short ones leave out.
  const bool with_long_form = b.compare(0, 4, "av01") == 0 || b.compare(0, 3, "vp0") == 0;
  return a == b || (with_long_form && a.compare(0, b.size() + 1, b + ".") == 0);
}

Findings check_variant(const Variant& variant, const Member& own,
                       const std::vector<std::vector<Member>>& groups, bool complete) {
  Findings findings;
  std::vector<const SegmentChecker*> media{own.media};
  Rates rates = own.media->rates(own.playlist->target_s);
  size_t fewest = own.media->measured().size();
  for (const auto& group : groups) {
    Rates most;
    for (const Member& member : group) {
      media.push_back(member.media);
      const Rates one = member.media->rates(member.playlist->target_s);
      most = {std::max(most.peak, one.peak), std::max(most.average, one.average)};
      fewest = std::min(fewest, member.media->measured().size());
    }
    rates = {rates.peak + most.peak, rates.average + most.average};
  }
  codecs(variant, media, complete, findings);
  picture(variant, *own.media, findings);
  range(variant, *own.media, findings);
  const auto stated = static_cast<double>(variant.bandwidth);
  const std::string peak = "BANDWIDTH is " + kbits(stated) + ", measured " + kbits(rates.peak);
  if (variant.iframes) {
    if (rates.peak > stated * kKeyFrameSlack) add(findings, "bandwidth-iframes", variant.line, peak);
    return findings;
  }
  if (rates.peak > stated * kPeakSlack) add(findings, "bandwidth-exceeded", variant.line, peak);
  if (variant.average && fewest >= kEnoughSegments &&
      rates.average > static_cast<double>(*variant.average) * kAverageSlack)
    add(findings, "bandwidth-average", variant.line,
        "AVERAGE-BANDWIDTH is " + kbits(static_cast<double>(*variant.average)) + ", measured " +
            kbits(rates.average));
  return findings;
}

}  // namespace headgate::conformance
