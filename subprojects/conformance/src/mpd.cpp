// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/mpd.h>

#include <algorithm>

#include "mpd_rules.h"
#include "values.h"
#include "xml.h"

namespace headgate::conformance {
namespace {

// ISO 8601 durations as XML Schema has them, years and months apart: "P1DT2H3M4.5S".
std::optional<Micros> read_duration(std::string_view text) {
  if (text.size() < 3 || text[0] != 'P') return std::nullopt;
  text.remove_prefix(1);
  Micros sum = 0;
  bool time = false;
  while (!text.empty()) {
    if (text[0] == 'T' && !time) {
      time = true;
      text.remove_prefix(1);
    }
    const size_t end = text.find_first_not_of("0123456789.");
    if (end == text.npos || end == 0) return std::nullopt;
    auto number = read_decimal(text.substr(0, end), kMaxMpdSeconds);
    const char unit = text[end];
    const Micros seconds = !time && unit == 'D'  ? 86400
                           : time && unit == 'H' ? 3600
                           : time && unit == 'M' ? 60
                           : time && unit == 'S' ? 1
                                                 : 0;
    constexpr auto kMost = static_cast<Micros>(kMaxMpdSeconds) * kSecond;
    if (!number || seconds == 0 || *number > kMost / seconds) return std::nullopt;
    sum += *number * seconds;
    if (sum > kMost) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  return sum;
}

class MpdReader {
 public:
  ParsedMpd run(std::string_view text);

 private:
  void find(DashRule rule, size_t line, std::string what) {
    if (out_.findings.size() < kMaxFindings) add_dash(out_.findings, rule, line, std::move(what));
  }
  template <typename T, typename Read>
  std::optional<T> value(const XmlElement& element, const char* name, Read read) {
    auto text = element.attribute(name);
    if (!text) return std::nullopt;
    std::optional<T> value = read(*text);
    if (!value) find("mpd-value", element.line(), std::string(name) + " is '" + text->substr(0, 60) + "'");
    return value;
  }
  std::optional<Micros> duration(const XmlElement& element, const char* name) {
    return value<Micros>(element, name, [](const std::string& text) { return read_duration(text); });
  }
  std::optional<Micros> date(const XmlElement& element, const char* name) {
    return value<Micros>(element, name, [](const std::string& text) -> std::optional<Micros> {
      auto date = read_date(text);
      if (!date) return std::nullopt;
      return date->utc;
    });
  }
  std::optional<uint64_t> number(const XmlElement& element, const char* name) {
    return value<uint64_t>(element, name, [](const std::string& text) -> std::optional<uint64_t> {
      auto number = read_integer(text);
      if (!number || *number > kMaxMpdTicks) return std::nullopt;
      return number;
    });
  }
  void latency(const XmlElement& description);
  void reference_times(const XmlElement& element, MpdSet& set);
  void period(const XmlElement& element, const MpdRepresentation& above);
  void set(const XmlElement& element, MpdRepresentation inherited, MpdPeriod& period);
  void common(const XmlElement& element, MpdRepresentation& one);
  void segment_template(const XmlElement& element, MpdRepresentation& one);
  void timeline(const XmlElement& element, MpdRepresentation& one);

  ParsedMpd out_;
  Mpd mpd_;
  size_t segments_ = 0, representations_ = 0;
};

ParsedMpd MpdReader::run(std::string_view text) {
  std::string fault;
  size_t line = 0;
  if (text.size() > kMaxMpdBytes) {
    find("mpd-xml", 0, "it has " + std::to_string(text.size()) + " bytes");
    return std::move(out_);
  }
  auto document = XmlDocument::parse(text, fault, line);
  if (!document) {
    find("mpd-xml", line, fault);
    return std::move(out_);
  }
  const XmlElement root = document->root();
  if (!root.is("MPD")) {
    find("mpd-xml", root.line(),
         "the root is '" + std::string(root.name()) + "', not MPD of " + kMpdNamespace);
    return std::move(out_);
  }
  const std::string type = root.attribute("type").value_or("static");
  if (type != "static" && type != "dynamic") find("mpd-value", root.line(), "type is '" + type + "'");
  mpd_.dynamic = type == "dynamic";
  mpd_.profiles = root.attribute("profiles").value_or("");
  mpd_.availability_start = date(root, "availabilityStartTime");
  mpd_.publish_time = date(root, "publishTime");
  mpd_.duration = duration(root, "mediaPresentationDuration");
  mpd_.min_buffer = duration(root, "minBufferTime");
  mpd_.update_period = duration(root, "minimumUpdatePeriod");
  mpd_.time_shift_depth = duration(root, "timeShiftBufferDepth");
  mpd_.max_segment = duration(root, "maxSegmentDuration");
  mpd_.suggested_delay = duration(root, "suggestedPresentationDelay");
  mpd_.utc_timing = !root.children("UTCTiming").empty();
  for (const XmlElement& one : root.children("ServiceDescription")) latency(one);
  MpdRepresentation above;
  for (const XmlElement& base : root.children("BaseURL")) above.base = base.text();
  for (const XmlElement& element : root.children("Period")) period(element, above);
  check_mpd(mpd_, out_.findings);
  if (out_.findings.size() > kMaxFindings) out_.findings.resize(kMaxFindings);
  out_.mpd = std::move(mpd_);
  return std::move(out_);
}

void MpdReader::latency(const XmlElement& description) {
  for (const XmlElement& element : description.children("Latency")) {
    MpdLatency latency{element.line(), element.attribute("referenceId").value_or(""), {}, {}, {}};
    latency.target = number(element, "target");
    latency.least = number(element, "min");
    latency.most = number(element, "max");
    mpd_.latency = std::move(latency);
  }
}

void MpdReader::reference_times(const XmlElement& element, MpdSet& set) {
  for (const XmlElement& found : element.children("ProducerReferenceTime")) {
    const auto id = found.attribute("id");
    const auto wall_clock = date(found, "wallClockTime");
    const auto time = number(found, "presentationTime");
    if (!id || !wall_clock || !time)
      find("reference-time", found.line(),
           std::string("it has no ") + (!id           ? "id"
                                        : !wall_clock ? "wallClockTime"
                                                      : "presentationTime"));
    else
      set.reference_times.push_back({*id, *wall_clock, *time});
  }
}

void MpdReader::period(const XmlElement& element, const MpdRepresentation& above) {
  MpdPeriod period;
  period.line = element.line();
  period.id = element.attribute("id").value_or("");
  period.start = duration(element, "start");
  period.duration = duration(element, "duration");
  if (!period.start && mpd_.periods.empty()) period.start = 0;
  if (!period.start && !mpd_.periods.empty()) {
    const MpdPeriod& before = mpd_.periods.back();
    if (before.start && before.duration) period.start = *before.start + *before.duration;
  }
  MpdRepresentation inherited = above;
  common(element, inherited);
  for (const XmlElement& one : element.children("AdaptationSet")) set(one, inherited, period);
  mpd_.periods.push_back(std::move(period));
}

// What may stand on several levels, the inner before the outer.
void MpdReader::common(const XmlElement& element, MpdRepresentation& one) {
  if (auto mime = element.attribute("mimeType")) one.mime = *mime;
  if (auto codecs = element.attribute("codecs")) one.codecs = *codecs;
  if (auto width = number(element, "width")) one.width = *width;
  if (auto height = number(element, "height")) one.height = *height;
  if (auto sap = number(element, "startWithSAP")) one.sap = *sap;
  if (!element.children("ContentProtection").empty()) one.is_protected = true;
  const auto bases = element.children("BaseURL");
  // An absolute one takes the place of what stood above.
  if (!bases.empty()) {
    const std::string base = bases.front().text();
    one.base = base.find("://") != base.npos || one.base.empty() ? base : one.base + base;
  }
  for (const XmlElement& found : element.children("SegmentTemplate")) segment_template(found, one);
}

void MpdReader::set(const XmlElement& element, MpdRepresentation inherited, MpdPeriod& period) {
  MpdSet set;
  set.line = element.line();
  set.aligned = element.attribute("segmentAlignment").value_or("false") != "false";
  common(element, inherited);
  // Small pictures for seek bars (DASH-IF IOP 4.3, 6.2.6) are no media of the presentation.
  if (inherited.mime.starts_with("image/") || element.attribute("contentType") == "image") return;
  reference_times(element, set);
  for (const XmlElement& found : element.children("Representation")) {
    if (++representations_ > kMaxRepresentations)
      return find("mpd-xml", found.line(), "there are too many Representations");
    MpdRepresentation one = inherited;
    segments_ += one.segments.size();
    if (segments_ > kMaxMpdSegments) return find("mpd-xml", found.line(), "there are too many segments");
    one.line = found.line();
    one.id = found.attribute("id").value_or("");
    one.bandwidth = number(found, "bandwidth").value_or(0);
    common(found, one);
    set.representations.push_back(std::move(one));
  }
  period.sets.push_back(std::move(set));
}

void MpdReader::segment_template(const XmlElement& element, MpdRepresentation& one) {
  one.has_template = true;
  if (auto init = element.attribute("initialization")) one.init = *init;
  if (auto media = element.attribute("media")) one.media = *media;
  if (auto timescale = number(element, "timescale")) {
    if (*timescale == 0 || *timescale > UINT32_MAX)
      find("mpd-value", element.line(), "timescale is " + std::to_string(*timescale));
    else
      one.timescale = *timescale;
  }
  if (auto start = number(element, "startNumber")) one.start_number = *start;
  if (auto offset = number(element, "presentationTimeOffset")) one.offset = *offset;
  if (auto duration = number(element, "duration")) one.duration = *duration;
  if (auto early = element.attribute("availabilityTimeOffset"); early && *early != "INF") {
    auto seconds = read_decimal(*early);
    if (!seconds)
      find("mpd-value", element.line(), "availabilityTimeOffset is '" + early->substr(0, 60) + "'");
    one.available_early = seconds.value_or(0);
  }
  if (auto complete = element.attribute("availabilityTimeComplete")) one.complete = *complete != "false";
  for (const XmlElement& found : element.children("SegmentTimeline")) timeline(found, one);
}

void MpdReader::timeline(const XmlElement& element, MpdRepresentation& one) {
  one.has_timeline = true;
  one.segments.clear();
  uint64_t at = 0, number_of = one.start_number;
  for (const XmlElement& entry : element.children("S")) {
    const auto t = number(entry, "t"), d = number(entry, "d");
    if (!d || *d == 0) {
      find("mpd-value", entry.line(), "an S has no d");
      continue;
    }
    if (t && !one.segments.empty() && *t < at)
      find("timeline-overlap", entry.line(),
           one.id + ": S@t is " + std::to_string(*t) + ", the segment before ends at " + std::to_string(at));
    if (t && !one.segments.empty() && *t > at)
      find("timeline-gap", entry.line(),
           one.id + ": S@t is " + std::to_string(*t) + ", the segment before ends at " + std::to_string(at));
    if (t) at = *t;
    const std::string repeat = entry.attribute("r").value_or("0");
    // Without end (-1): once is what is certain.
    uint64_t times = repeat == "-1" ? 1 : 0;
    if (times == 0) {
      auto read = read_integer(repeat);
      if (!read) find("mpd-value", entry.line(), "r is '" + repeat.substr(0, 40) + "'");
      times = read.value_or(0) < kMaxMpdSegments ? read.value_or(0) + 1 : kMaxMpdSegments + 1;
    }
    if (times > kMaxMpdSegments - std::min(segments_, kMaxMpdSegments) || at > kMaxMpdTicks)
      return find("mpd-xml", entry.line(), "there are too many segments");
    segments_ += times;
    for (uint64_t i = 0; i < times && at <= kMaxMpdTicks; ++i, at += *d)
      one.segments.push_back({number_of++, at, *d});
  }
}

// "$Name$" and "$Name%05d$" by their values.
std::string filled(const std::string& text, const MpdRepresentation& one, const MpdSegment& segment) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text[at] == '$' ? text.find('$', at + 1) : text.npos;
    if (end == text.npos) {
      out += text[at++];
      continue;
    }
    const std::string inside = text.substr(at + 1, end - at - 1);
    const std::string name = inside.substr(0, inside.find('%'));
    std::string value = name.empty()                 ? "$"
                        : name == "RepresentationID" ? one.id
                        : name == "Number"           ? std::to_string(segment.number)
                        : name == "Time"             ? std::to_string(segment.time)
                        : name == "Bandwidth"        ? std::to_string(one.bandwidth)
                                                     : "";
    if (const size_t percent = inside.find('%'); percent != inside.npos) {
      // "%0<width>d"
      const auto width = read_integer(inside.substr(percent + 1, inside.size() - percent - 2));
      constexpr uint64_t kMostDigits = 32;
      if (width && *width <= kMostDigits && value.size() < *width)
        value.insert(0, *width - value.size(), '0');
    }
    out += value;
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string MpdRepresentation::init_url() const {
  return base + filled(init, *this, {});
}
std::string MpdRepresentation::media_url(const MpdSegment& segment) const {
  return base + filled(media, *this, segment);
}

ParsedMpd parse_mpd(std::string_view text) {
  return MpdReader().run(text);
}

std::span<const Rule> dash_rules() {
  return kDashRules;
}

}  // namespace headgate::conformance
