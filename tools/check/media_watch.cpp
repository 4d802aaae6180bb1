// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/answer_rules.h>
#include <check/media_watch.h>
#include <check/url.h>

#include <algorithm>

#include <base/clock.h>
#include <base/json_line.h>
#include <conformance/playlist_rules.h>

namespace headgate::check {

using conformance::Findings;
using conformance::MediaPlaylist;
using conformance::Parsed;
using conformance::ReadingTime;

namespace {

// A playlist that has ended since it was read is answered whole: nothing is there to be waited for, or
// refused.
bool has_ended(const Answer& answer) {
  if (answer.status != 200) return false;
  const Parsed parsed = conformance::parse_playlist(as_text(answer.body));
  return parsed.media && parsed.media->ended;
}

}  // namespace

MediaWatch::MediaWatch(Run& run, std::string where, std::string url, bool iframes,
                       std::function<void(MediaWatch&)> on_reading)
    : run_(run),
      where_(std::move(where)),
      url_(std::move(url)),
      iframes_(iframes),
      on_reading_(std::move(on_reading)),
      queue_(run, where_) {}

conformance::Member MediaWatch::member() const {
  return {where_, history_.last(), history_.time(), &queue_.checker()};
}

bool MediaWatch::blocks() const {
  const MediaPlaylist* last = history_.last();
  return last && !last->ended && last->control && last->control->can_block;
}

void MediaWatch::start() {
  load();
  look();
}

void MediaWatch::look() {
  if (held_) run_.found(where_, history_.waited(system_clock().mono_us()));
  run_.after(kLookUs, [this] { look(); });
}

void MediaWatch::load() {
  std::optional<Position> wanted;
  std::string url = url_;
  if (blocks() && !plain_once_) {
    const MediaPlaylist& last = *history_.last();
    wanted = Position{last.next_msn(), std::nullopt};
    std::string directives = "_HLS_msn=" + std::to_string(wanted->msn);
    if (last.part_target) {
      wanted->part = last.open.parts.size();
      directives += "&_HLS_part=" + std::to_string(*wanted->part);
    }
    url = with_query(url, directives);
  }
  plain_once_ = false;
  held_ = wanted.has_value();
  run_.client().get(url, "", [this, wanted](const Answer& answer) {
    held_ = false;
    answered(answer, wanted);
  });
}

void MediaWatch::failed(const Answer& answer, bool held) {
  ++failures_;
  const MediaPlaylist* last = history_.last();
  if (!last) {
    problem_ = answer.problem();
    given_up_ = true;
    Findings findings;
    add(findings, "playlist-status", 0, answer.problem());
    run_.found(where_, findings);
    return on_reading_(*this);
  }
  // What could not be had in three target durations may be refused (6.2.5.2).
  const bool refused =
      held && answer.status == 503 && answer.loaded_us - answer.asked_us >= 3 * last->target();
  plain_once_ = true;
  if (!refused) {
    Findings findings;
    add(findings, "playlist-status", 0, answer.problem());
    run_.found(where_, findings);
  }
  run_.after(kRetryUs, [this] { load(); });
}

void MediaWatch::answered(const Answer& answer, std::optional<Position> wanted) {
  if (answer.status != 200) return failed(answer, wanted.has_value());
  Findings findings = check_playlist_answer(answer);
  Parsed parsed = conformance::parse_playlist(as_text(answer.body));
  findings.insert(findings.end(), parsed.findings.begin(), parsed.findings.end());
  if (parsed.media && parsed.media->skipped) {
    add(findings, "delta-broken", 0, "a delta update came that nobody asked for");
    parsed.media.reset();
  }
  if (parsed.media && wanted && !parsed.media->ended && !parsed.media->reaches(*wanted)) {
    add(findings, "blocking-answer", 0,
        "asked for segment " + std::to_string(wanted->msn) +
            (wanted->part ? ", part " + std::to_string(*wanted->part) : "") + "; the answer ends before it");
    plain_once_ = true;
  }
  run_.found(where_, findings);
  if (!parsed.media) {
    if (!read()) {
      problem_ = "it is no media playlist";
      given_up_ = true;
      return on_reading_(*this);
    }
    return run_.after(kRetryUs, [this] { load(); });
  }
  if (wanted &&
      answer.loaded_us - answer.asked_us > 3 * parsed.media->target() + conformance::kArrivalSlack) {
    Findings late;
    add(late, "blocking-late", 0,
        "it took " + std::to_string((answer.loaded_us - answer.asked_us) / 1000) + " ms");
    run_.found(where_, late);
  }
  // The answer to a held reload never changes: it may be cached for long (B.1).
  if (!parsed.media->ended && !wanted) run_.found(where_, check_live_caching(answer, parsed.media->target()));
  take(*parsed.media, {answer.asked_us, answer.loaded_us, wanted.has_value()}, answer.url);
}

void MediaWatch::take(const MediaPlaylist& playlist, ReadingTime time, const std::string& base) {
  ++readings_;
  run_.found(where_, check_media_playlist(playlist));
  if (playlist.iframes_only != iframes_) {
    Findings findings;
    add(findings, "iframe-playlist", 0,
        iframes_ ? "there is no EXT-X-I-FRAMES-ONLY" : "there is EXT-X-I-FRAMES-ONLY");
    run_.found(where_, findings);
  }
  run_.found(where_, history_.observe(playlist, time));
  ended_ = playlist.ended;
  queue_.take(playlist, without_query(base));
  on_reading_(*this);
  if (ended_) return;
  if (readings_ == 2 && blocks()) try_refusals();
  if (readings_ % kDeltaEvery == 0 && playlist.control && playlist.control->can_skip_until) load_delta();
  plan(time);
}

// 6.3.4; a held reload goes out at once.
void MediaWatch::plan(ReadingTime time) {
  if (blocks() && !plain_once_) return load();
  const MediaPlaylist& last = *history_.last();
  const int64_t target = std::max<int64_t>(last.target(), conformance::kSecond);
  const bool changed = history_.grew() && !last.segments.empty();
  const int64_t wait = changed ? std::min(last.segments.back().duration, target) : target / 2;
  const int64_t due = std::max(time.asked + wait, system_clock().mono_us() + kShortestWaitUs);
  run_.after(due - system_clock().mono_us(), [this] { load(); });
}

void MediaWatch::load_delta() {
  run_.client().get(
      with_query(url_, "_HLS_skip=YES"), "",
      [this, before = *history_.last()](const Answer& answer) { answered_delta(answer, before); });
}

void MediaWatch::answered_delta(const Answer& answer, const MediaPlaylist& before) {
  Findings findings;
  Parsed parsed = conformance::parse_playlist(as_text(answer.body));
  if (answer.status != 200 || !parsed.media) {
    add(findings, "delta-missing", 0,
        "the answer was " + (answer.status == 200 ? "no media playlist" : answer.problem()));
  } else if (!parsed.media->skipped) {
    // Where everything is nearer to the end than the boundary there is nothing to skip.
    const bool long_enough =
        parsed.media->duration() > *before.control->can_skip_until + parsed.media->target() * 2;
    if (!parsed.media->ended && long_enough)
      add(findings, "delta-missing", 0, "the answer has no EXT-X-SKIP");
  } else {
    findings = std::move(parsed.findings);
    auto merged = merge(before, *parsed.media);
    if (merged) {
      Findings differences = check_delta(*parsed.media, *merged, before);
      findings.insert(findings.end(), differences.begin(), differences.end());
      if (merged->version < merged->needed_version)
        add(findings, "version-low", 0, "a delta update needs " + std::to_string(merged->needed_version));
    } else {
      add(findings, "delta-broken", 0, merged.error().message);
    }
  }
  run_.found(where_ + "?_HLS_skip", findings);
}

// What a server has to refuse (6.2.5.2), once.
void MediaWatch::try_refusals() {
  if (tried_refusals_) return;
  tried_refusals_ = true;
  expect_refusal("_HLS_part=0", "blocking-part-alone");
  constexpr uint64_t kFar = 100;
  expect_refusal("_HLS_msn=" + std::to_string(history_.last()->next_msn() + kFar), "blocking-far");
}

void MediaWatch::expect_refusal(const std::string& directives, conformance::HlsRule rule) {
  auto answered = std::make_shared<bool>(false);
  const auto tell = [this, directives, rule](const std::string& what) {
    Findings findings;
    add(findings, rule, 0, directives + ": " + what);
    run_.found(where_, findings);
  };
  run_.client().get(with_query(url_, directives), "", [answered, tell](const Answer& answer) {
    if (*answered) return;
    *answered = true;
    if (has_ended(answer)) return;
    if (answer.status < 400 || answer.status >= 500) tell("the answer was " + answer.problem());
  });
  run_.after(kRefusalUs, [answered, tell] {
    if (*answered) return;
    *answered = true;
    tell("there was no answer");
  });
}

std::string MediaWatch::row() const {
  std::string text = where_ + "   ";
  const MediaPlaylist* last = history_.last();
  if (!last) return text + (problem_.empty() ? "…" : problem_);
  if (auto position = last->last()) {
    text += "segment " + std::to_string(position->msn);
    if (position->part) text += " part " + std::to_string(*position->part);
  }
  const conformance::Rates rates = queue_.checker().rates(last->target_s);
  return text + "   " + std::to_string(readings_) + " readings, " + std::to_string(queue_.segments()) +
         " segments, " + std::to_string(queue_.parts()) + " parts, " + load::short_number(rates.average) +
         "bit/s" + (ended_ ? ", ended" : "");
}

std::string MediaWatch::json() const {
  JsonLine line;
  const MediaPlaylist* last = history_.last();
  const conformance::Rates rates = last ? queue_.checker().rates(last->target_s) : conformance::Rates{};
  line.field("name", where_)
      .field("url", url_)
      .field("readings", readings_)
      .field("failures", failures_)
      .field("segments", queue_.segments())
      .field("parts", queue_.parts())
      .field("ended", ended_)
      .field("peak_bits", static_cast<int64_t>(rates.peak))
      .field("average_bits", static_cast<int64_t>(rates.average));
  return line.take();
}

}  // namespace headgate::check
