// SPDX-License-Identifier: LGPL-2.1-or-later
#include <playlist/dash.h>
#include <playlist/expected_rates.h>

#include <playlist/views.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <vector>

#include "dash_open.h"
#include "dash_sheets.h"
#include "text.h"

namespace headgate::playlist {
namespace {

constexpr char kHead[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
    "profiles=\"urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019\"";
constexpr char kEnd[] = "</MPD>\n";

// A player that is so far behind, counted in target durations, has whole segments before it.
constexpr uint32_t kDelayTargets = 2;

// Of the wall clock that Latency counts from (5.13.2): neither capture nor encoder, which the node knows
// nothing of, but when it had received the picture.
constexpr char kReceipt[] = "urn:headgate:receipt:2026";

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:  // names and codecs are ASCII: what is not, or is nothing that XML can say, is left out
        if (c >= ' ' && c < 0x7f) out += c;
    }
  }
  return out;
}

std::string attribute(std::string_view name, std::string_view value) {
  return " " + std::string(name) + "=\"" + xml(value) + "\"";
}

std::string attribute(std::string_view name, int64_t value) {
  return attribute(name, std::string_view(std::to_string(value)));
}

std::string duration(int64_t ticks) {
  return "PT" + seconds(ticks) + "S";
}

// 96 -> "0.96".
std::string hundredths(int value) {
  const std::string rest = std::to_string(value % 100);
  return std::to_string(value / 100) + (rest.size() < 2 ? ".0" : ".") + rest;
}

std::string whole_seconds(int64_t ticks) {
  return "PT" + std::to_string((ticks + kTimescale - 1) / kTimescale) + "S";
}

// To the nearest. A time of at most kMaxTime and a timescale of at most 10^7 (fmp4) do not overflow.
int64_t rescaled(int64_t ticks, uint32_t timescale) {
  constexpr int64_t kFrom = kTimescale;
  const int64_t rest = ticks % kFrom * timescale;
  return ticks / kFrom * timescale + (rest + (rest < 0 ? -kFrom : kFrom) / 2) / kFrom;
}

// No segment reaches into the next one, and none is empty.
void straighten(std::vector<Span>& spans) {
  for (size_t i = 0; i + 1 < spans.size(); ++i) {
    spans[i + 1].start = std::max(spans[i + 1].start, spans[i].start + 1);
    spans[i].duration = std::min(spans[i].duration, spans[i + 1].start - spans[i].start);
  }
  for (Span& span : spans) span.duration = std::max<int64_t>(span.duration, 1);
}

// SegmentTimeline (5.3.9.6): runs of equal lengths are one line; a hole is told by the next line's @t.
std::string timeline(const std::vector<Span>& spans) {
  std::string out = "     <SegmentTimeline>\n";
  for (size_t i = 0; i < spans.size();) {
    size_t end = i + 1;
    while (end < spans.size() && spans[end].duration == spans[i].duration &&
           spans[end].start == spans[end - 1].start + spans[end - 1].duration)
      ++end;
    out += "      <S";
    if (i == 0 || spans[i].start != spans[i - 1].start + spans[i - 1].duration)
      out += attribute("t", spans[i].start);
    out += attribute("d", spans[i].duration);
    if (end - i > 1) out += attribute("r", static_cast<int64_t>(end - i - 1));
    out += "/>\n";
    i = end;
  }
  return out + "     </SegmentTimeline>\n";
}

using Segments = std::span<const Segment* const>;

class Manifest {
 public:
  Manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings,
           DashPeriods& periods, ViewMeters& meters)
      : index_(index),
        facts_(facts),
        settings_(settings),
        periods_(periods),
        video_(said(meters.rates(index, facts, View::video))),
        audio_(said(meters.rates(index, facts, View::audio))) {
    const auto& all = index.segments();
    for (size_t i = settings.everything ? 0 : index.live_begin(); i < all.size(); ++i)
      listed_.push_back(&all[i]);
    if (!settings.everything && !settings.ended && !listed_.empty()) find_open();
    periods_.take({.segments = listed_,
                   .open = open_.has_value(),
                   .open_parts = open_ ? index.parts_of(open_->record.msn).size() : 0,
                   .open_begins = !open_ || !lacks_sound(),
                   .early = early_ > 0,
                   .ended = settings.ended,
                   .epoch = index.epoch(),
                   .zero_utc_us = settings.everything ? 0 : settings.zero_utc_us,
                   .renditions = settings.renditions});
    std::erase_if(listed_, [this](const Segment* one) { return !periods_.lists(one->record.msn); });
    if (open_ && (listed_.empty() || !is_open(*listed_.back()))) open_.reset(), published_.reset();
  }

  std::string text() {
    if (listed_.empty()) return {};
    write_head();
    const auto& periods = periods_.periods();
    size_t begin = 0;
    for (size_t i = 0; i < periods.size() && begin < listed_.size(); ++i) {
      size_t end = begin;
      while (end < listed_.size() && listed_[end]->record.msn < periods[i].end_msn) ++end;
      if (end > begin) write_period(Segments(listed_).subspan(begin, end - begin), periods[i]);
      begin = end;
    }
    return std::move(out_);
  }

 private:
  Rates said(const Rates& seen) const { return settings_.ended ? seen : expected_rates(seen); }
  int64_t part_target() const { return int64_t{index_.part_target_ms()} * (kTimescale / 1000); }

  void find_open() {
    const auto usual = usual_duration(listed_);
    if (!usual || index_.part_target_ms() == 0 || *usual <= part_target()) return;
    early_ = *usual - part_target();
    open_ = index_.open_segment();
    if (!index_.run_open() || !open_ || !continues(*listed_.back(), *open_)) return open_.reset();
    const int64_t there = open_->record.duration;
    const int64_t first = there > *usual ? there : index_.parts_of(open_->record.msn).front().duration;
    published_ = std::max(open_->record.pts + first, end_of(*listed_.back()) + kTimescale / 1000);
    open_->record.duration = there > *usual ? there + part_target() : *usual;
    listed_.push_back(&*open_);
  }
  bool is_open(const Segment& segment) const { return open_ && &segment == &*open_; }
  // What is being written, and the stream before it had some.
  bool lacks_sound() const {
    return listed_.size() > 1 && silent(*listed_.back()) && has_sound(*listed_[listed_.size() - 2]);
  }

  // Of both tracks.
  int64_t end_of(const Segment& segment) const {
    const int64_t end = segment.record.pts + segment.record.duration;
    const SegmentFacts* facts = facts_.find(segment.record);
    if (facts == nullptr || facts->audio_timescale == 0) return end;
    const int64_t seconds = facts->audio_end / facts->audio_timescale,
                  rest = facts->audio_end % facts->audio_timescale;
    return std::max(end, seconds * kTimescale + rest * kTimescale / facts->audio_timescale + 1);
  }

  // In one Period: where a media playlist has no EXT-X-DISCONTINUITY between them, and no EXT-X-MAP.
  static bool continues(const Segment& before, const Segment& segment) {
    return segment.continues && segment.discontinuity_sequence == before.discontinuity_sequence &&
           segment.record.init_id == before.record.init_id;
  }

  void write_head() {
    const int64_t target = int64_t{index_.target_seconds()} * kTimescale;
    const auto& periods = periods_.periods();
    const int64_t begin = listed_.front()->record.pts + periods.front().shift;
    const int64_t end = end_of(*listed_.back()) + periods.back().shift;
    const int64_t published = published_ ? *published_ + periods.back().shift : end;
    out_ = kHead;
    if (settings_.ended) {
      out_ += attribute("type", "static") + attribute("mediaPresentationDuration", duration(end));
    } else {
      out_ +=
          attribute("type", "dynamic") +
          attribute("availabilityStartTime", date_time(settings_.zero_utc_us)) +
          attribute("publishTime", date_time(settings_.zero_utc_us + published * 100 / 9)) +
          attribute("minimumUpdatePeriod", early_ > 0 ? duration(part_target()) : whole_seconds(target / 2)) +
          attribute("timeShiftBufferDepth", whole_seconds(end - begin)) +
          attribute("suggestedPresentationDelay", whole_seconds(kDelayTargets * target));
    }
    out_ += attribute("maxSegmentDuration", whole_seconds(target)) +
            attribute("minBufferTime", whole_seconds(target)) + ">\n";
    if (!settings_.base.empty()) out_ += " <BaseURL>" + xml(settings_.base) + "</BaseURL>\n";
    if (early_ == 0) return;
    const int64_t part_ms = index_.part_target_ms();
    out_ +=
        " <ServiceDescription id=\"0\">\n  <Latency referenceId=\"0\"" +
        attribute("target", kDashLatencyParts * part_ms) +
        attribute("min", kDashLeastLatencyParts * part_ms) +
        attribute("max", std::max(kDelayTargets * target * 1000 / kTimescale, kDashLatencyParts * part_ms)) +
        "/>\n  <PlaybackRate" + attribute("min", hundredths(kDashSlowest)) +
        attribute("max", hundredths(kDashFastest)) + "/>\n </ServiceDescription>\n";
  }

  // Of the Period's first segment; what follows is dated by media time (StreamIndex), as long as that and the
  // clock are one.
  void write_reference_time(const Segment& segment, const DashPeriod& period, uint32_t timescale) {
    const SegmentRecord& first = segment.record;
    const int64_t drift = period.shift - period.ahead;
    const int64_t utc_us =
        drift == 0 ? segment.program_utc_us : settings_.zero_utc_us + (first.pts + drift) * 100 / 9;
    if (early_ == 0 || utc_us == 0) return;
    out_ += "    <ProducerReferenceTime id=\"0\" type=\"application\"" +
            attribute("applicationScheme", std::string_view(kReceipt)) +
            attribute("wallClockTime", date_time(utc_us)) +
            attribute("presentationTime", rescaled(first.pts, timescale)) + "/>\n";
  }

  void write_period(Segments segments, const DashPeriod& period) {
    const Segment& first = *segments.front();
    const InitRecord& init = index_.inits().at(first.record.init_id);
    out_ += " <Period" + attribute("id", period.id) +
            attribute("start", duration(std::max<int64_t>(period.pts + period.shift, 0))) + ">\n";
    // What low latency says of the templates counts besides (5.3.9.5.1).
    if (period.ahead > 0 && !settings_.ended)
      out_ += "  <BaseURL" + attribute("availabilityTimeOffset", seconds(period.ahead)) + ">./</BaseURL>\n";
    if (init.width > 0) write_video(segments, init, period);
    if (init.channels > 0) write_audio(segments, init, period);
    if (settings_.pictures != nullptr) out_ += dash_sheets(*settings_.pictures, segments);
    out_ += " </Period>\n";
  }

  // `period_pts`: the Period's beginning. `prefix` stands before the names of segments and init segments.
  void write_template(int64_t period_pts, uint64_t number, uint32_t timescale, const std::string& prefix,
                      const std::string& init_id, const std::vector<Span>& spans) {
    out_ += "    <SegmentTemplate" + attribute("timescale", int64_t{timescale}) +
            attribute("presentationTimeOffset", rescaled(std::max<int64_t>(period_pts, 0), timescale)) +
            attribute("startNumber", static_cast<int64_t>(number)) +
            attribute("initialization", prefix + init_uri(init_id)) +
            attribute("media", prefix + "$Number$.m4s");
    const auto longest = std::max_element(
        spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.duration < b.duration; });
    if (early_ > 0 && longest->duration > rescaled(early_, timescale))
      out_ += attribute("availabilityTimeOffset", seconds(early_)) +
              attribute("availabilityTimeComplete", std::string_view("false"));
    out_ += ">\n" + timeline(spans) + "    </SegmentTemplate>\n";
  }

  // Each Representation has a template of its own: attributes of one for all would be those of each.
  void write_video(Segments segments, const InitRecord& init, const DashPeriod& period) {
    const SegmentRecord& first = segments.front()->record;
    out_ +=
        "   <AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\"";
    if (index_.independent()) out_ += " startWithSAP=\"1\"";
    out_ += ">\n";
    write_reference_time(*segments.front(), period, kTimescale);
    write_representation("video", view_codecs(init, View::video), video_.peak, init);
    write_template(period.pts, first.msn, kTimescale, "v", init.id, spans_of(segments));
    out_ += "    </Representation>\n";
    for (const DashPeriod::Member& member : period.members)
      for (const DashRendition& rendition : settings_.renditions)
        if (rendition.name == member.name) write_rendition(rendition, segments, period, member.until);
    out_ += "   </AdaptationSet>\n";
  }

  static std::vector<Span> spans_of(Segments segments) {
    std::vector<Span> spans;
    for (const Segment* segment : segments) spans.push_back({segment->record.pts, segment->record.duration});
    straighten(spans);
    return spans;
  }

  // Its beginning.
  void write_representation(const std::string& id, const std::string& codecs, uint32_t bandwidth,
                            const InitRecord& init) {
    out_ += "    <Representation" + attribute("id", id) + attribute("codecs", codecs) +
            attribute("bandwidth", std::max<int64_t>(bandwidth, 1)) +
            attribute("width", int64_t{init.width}) + attribute("height", int64_t{init.height});
    if (init.frame_rate_milli > 0)
      out_ += attribute("frameRate", std::to_string(init.frame_rate_milli) + "/1000");
    out_ += ">\n";
  }

  // Its segments in a Period, before number `until`: also one that was listed while it was being written,
  // when no others are any more. The one that is being written lasts as long as the stream's.
  static std::vector<SegmentRecord> segments_of(const DashRendition& rendition, Segments period,
                                                uint64_t until) {
    std::vector<SegmentRecord> found;
    for (const Segment* segment : period) {
      const uint64_t msn = segment->record.msn;
      if (msn >= until) break;
      auto one = dash_segment(rendition, msn, segment->discontinuity_sequence, true);
      if (one && !found.empty() && one->init_id != found.back().init_id) one.reset();
      if (!one && !found.empty()) break;
      if (!one) continue;  // it has left
      if (grows(rendition, msn)) one->duration = std::max(one->duration, segment->record.duration);
      found.push_back(*one);
    }
    return found;
  }

  void write_rendition(const DashRendition& rendition, Segments listed, const DashPeriod& period,
                       uint64_t until) {
    const std::vector<SegmentRecord> segments = segments_of(rendition, listed, until);
    if (segments.empty()) return;
    const auto init = rendition.index->inits().find(segments.front().init_id);
    if (init == rendition.index->inits().end() || init->second.width == 0) return;
    std::vector<Span> spans;
    for (const SegmentRecord& segment : segments) spans.push_back({segment.pts, segment.duration});
    straighten(spans);
    write_representation(rendition.name, init->second.codecs, rendition.bandwidth, init->second);
    write_template(period.pts, segments.front().msn, kTimescale, rendition.name + "/", init->second.id,
                   spans);
    out_ += "    </Representation>\n";
  }

  bool silent(const Segment& segment) const {
    if (is_open(segment)) {
      const auto parts = index_.parts_of(segment.record.msn);
      const auto has_sound = [](const PartRecord& part) {
        return std::any_of(part.chunks.begin(), part.chunks.end(),
                           [](const ChunkRange& chunk) { return chunk.track_id == kAudioTrack; });
      };
      return std::none_of(parts.begin(), parts.end(), has_sound);
    }
    const SegmentFacts* facts = facts_.find(segment.record);
    return facts != nullptr && facts->audio_end <= facts->audio_start;
  }

  // And what is listed of their run before them and has sound: what is being written follows that, in
  // whichever Period it is.
  Segments with_those_before(Segments segments) const {
    const Segments all(listed_);
    size_t begin = static_cast<size_t>(segments.data() - all.data());
    const size_t end = begin + segments.size();
    while (begin > 0 && continues(*all[begin - 1], *all[begin]) && has_sound(*all[begin - 1])) --begin;
    return all.subspan(begin, end - begin);
  }
  bool has_sound(const Segment& segment) const {
    const SegmentFacts* facts = facts_.find(segment.record);
    return facts != nullptr && facts->audio_timescale > 0 && facts->audio_end > facts->audio_start;
  }

  // On the audio's own clock, as its boxes say; by the segment's own time where they are not known, or say
  // nothing: numbers cannot be left out in between. Those without audio at either end of a Period are: a run
  // that was cut off may end with a picture alone, and what is listed is asked for.
  void write_audio(Segments segments, const InitRecord& init, const DashPeriod& period) {
    while (!segments.empty() && silent(*segments.back())) segments = segments.first(segments.size() - 1);
    while (!segments.empty() && silent(*segments.front())) segments = segments.subspan(1);
    if (segments.empty()) return;
    const Segments seen = is_open(*segments.back()) ? with_those_before(segments) : segments;
    uint32_t timescale = 0;
    for (const Segment* segment : seen)
      if (const SegmentFacts* facts = facts_.find(segment->record); facts && facts->audio_timescale > 0)
        timescale = facts->audio_timescale;
    if (timescale == 0) return;  // none of it has been seen
    std::vector<Span> spans, known;
    for (const Segment* segment : seen) {
      const SegmentRecord& record = segment->record;
      const SegmentFacts* facts = facts_.find(record);
      if (facts != nullptr && facts->audio_timescale == timescale && facts->audio_end > facts->audio_start) {
        spans.push_back({facts->audio_start, facts->audio_end - facts->audio_start});
        known.push_back(spans.back());
      } else if (is_open(*segment) && !known.empty() && known.size() == spans.size()) {
        spans.push_back(following_audio(known, rescaled(record.pts + record.duration, timescale), timescale));
      } else {
        const int64_t start = rescaled(record.pts, timescale);
        spans.push_back({start, rescaled(record.pts + record.duration, timescale) - start});
      }
    }
    straighten(spans);
    spans.erase(spans.begin(), spans.end() - static_cast<ptrdiff_t>(segments.size()));
    out_ +=
        "   <AdaptationSet id=\"2\" contentType=\"audio\" mimeType=\"audio/mp4\" segmentAlignment=\"true\" "
        "startWithSAP=\"1\">\n";
    const SegmentRecord& first = segments.front()->record;
    write_reference_time(*segments.front(), period, timescale);
    write_template(period.pts, first.msn, timescale, "a", init.id, spans);
    out_ += "    <Representation id=\"audio\"" + attribute("codecs", view_codecs(init, View::audio)) +
            attribute("bandwidth", std::max<int64_t>(audio_.peak, 1)) +
            attribute("audioSamplingRate", int64_t{timescale}) +
            ">\n     <AudioChannelConfiguration "
            "schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\"" +
            attribute("value", int64_t{init.channels}) + "/>\n    </Representation>\n   </AdaptationSet>\n";
  }

  const StreamIndex& index_;
  const TrackFacts& facts_;
  const DashSettings& settings_;
  DashPeriods& periods_;
  Rates video_, audio_;
  std::vector<const Segment*> listed_;
  // Low latency: how much earlier than it is complete a segment can be asked for; 0: not at all.
  int64_t early_ = 0;
  std::optional<Segment> open_;  // in listed_, with the duration that it will have
  std::optional<int64_t> published_;
  std::string out_;
};

}  // namespace

std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings,
                          DashPeriods& periods, ViewMeters& meters) {
  return Manifest(index, facts, settings, periods, meters).text();
}

std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings,
                          DashPeriods& periods) {
  ViewMeters once;
  return dash_manifest(index, facts, settings, periods, once);
}

std::string dash_manifest(const StreamIndex& index, const TrackFacts& facts, const DashSettings& settings) {
  DashPeriods none;
  return dash_manifest(index, facts, settings, none);
}

// The first that answers is taken (5.8.4.11): a cache may keep the manifest with what stands in it.
std::string dash_end(int64_t now_utc_us, const std::string& time_uri) {
  std::string out;
  if (!time_uri.empty())
    out += " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-xsdate:2014\"" + attribute("value", time_uri) +
           "/>\n";
  return out + " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\"" +
         attribute("value", date_time(now_utc_us)) + "/>\n" + kEnd;
}

std::string dash_time(int64_t now_utc_us) {
  return date_time(now_utc_us);
}

int64_t timeline_zero_utc_us(const StreamIndex& index) {
  if (index.segments().empty()) return 0;
  const Segment& newest = index.segments().back();
  return newest.program_utc_us - newest.record.pts * 100 / 9;
}

}  // namespace headgate::playlist
