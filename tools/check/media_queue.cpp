// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/answer_rules.h>
#include <check/media_queue.h>
#include <check/url.h>

namespace headgate::check {

using conformance::Findings;
using conformance::MediaPlaylist;
using conformance::Resource;
using conformance::Segment;

void MediaQueue::take(const MediaPlaylist& playlist, const std::string& base) {
  if (!begun_ && !playlist.segments.empty()) {
    begun_ = true;
    const size_t count = playlist.segments.size();
    if (!playlist.ended && count > kLiveSegments)
      last_segment_ = playlist.segments[count - kLiveSegments].msn - 1;
  }
  for (const Segment& segment : playlist.segments) {
    if (last_segment_ && segment.msn <= *last_segment_) continue;
    queue_parts(segment, playlist, base);
    queue(segment, std::nullopt, playlist, base);
    last_segment_ = segment.msn;
  }
  queue_parts(playlist.open, playlist, base);
  ask_for_hint(playlist, base);
  while (!playlist.ended && jobs_.size() > kMaxQueued) jobs_.pop_front();
  next();
}

void MediaQueue::queue_parts(const Segment& segment, const MediaPlaylist& of, const std::string& base) {
  for (size_t i = 0; i < segment.parts.size(); ++i) {
    const std::pair place(segment.msn, i);
    if (last_part_ && place <= *last_part_) continue;
    last_part_ = place;
    queue(segment, i, of, base);
  }
}

void MediaQueue::queue(const Segment& segment, std::optional<size_t> part, const MediaPlaylist& of,
                       const std::string& base) {
  const bool gap = part ? segment.parts[*part].gap : segment.gap;
  if (gap) return;
  jobs_.push_back({segment, part, {of.independent, of.iframes_only}, base});
}

void MediaQueue::ask_for_hint(const MediaPlaylist& playlist, const std::string& base) {
  for (const conformance::Hint& hint : playlist.hints) {
    const auto url = resolve(base, hint.uri);
    if (hint.map || hint.ranged || !url || hints_.contains(*url) || hints_.size() >= kMaxHints) continue;
    hints_[*url];
    run_.client().get(*url, "", [this, url = *url](Answer answer) {
      auto waiting = hints_.find(url);
      if (waiting == hints_.end()) return;
      waiting->second = {true, std::move(answer)};
      next();
    });
  }
}

// The part was asked for when it was hinted.
bool MediaQueue::from_hint(const Resource& resource) {
  const auto url = resolve(jobs_.front().base, resource.uri);
  auto hint = url ? hints_.find(*url) : hints_.end();
  if (hint == hints_.end() || resource.range) return false;
  if (!hint->second.done) return true;  // comes back here
  const Answer answer = std::move(hint->second.answer);
  // Hints before this one have become nothing.
  hints_.erase(hint);
  std::erase_if(hints_, [](const auto& one) { return one.second.done; });
  if (answer.ok()) {
    loaded(answer);
    return true;
  }
  Findings findings;
  add(findings, "hint-missing", 0,
      resource.uri + " was hinted, asked for and is listed now; the answer was " + answer.problem());
  run_.found(where_, findings);
  return false;
}

void MediaQueue::load(const Resource& resource, const std::string& base, HttpClient::Done done) {
  const auto url = resolve(base, resource.uri);
  loading_ = true;
  std::string range;
  if (resource.range)
    range = "bytes=" + std::to_string(resource.range->offset) + "-" +
            std::to_string(resource.range->offset + resource.range->length - 1);
  run_.client().get(url.value_or(""), range, [this, resource, done = std::move(done)](Answer answer) {
    loading_ = false;
    // A server may send the whole resource all the same (RFC 9110, 14.2).
    if (resource.range && answer.status == 200 && answer.body.size() > resource.range->offset) {
      const auto begin = answer.body.begin() + static_cast<std::ptrdiff_t>(resource.range->offset);
      const size_t left = answer.body.size() - resource.range->offset;
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min<size_t>(left, resource.range->length));
      answer.body = ByteVector(begin, end);
    }
    done(std::move(answer));
  });
}

void MediaQueue::next() {
  if (loading_ || jobs_.empty()) return;
  const Job& job = jobs_.front();
  const Segment& segment = job.segment;
  if (segment.map && !checker_.has_init(*segment.map) && !bad_inits_.contains(to_string(*segment.map))) {
    const Resource map = *segment.map;
    return load(map, job.base, [this, map](const Answer& answer) { loaded_init(map, answer); });
  }
  const Resource& resource = job.part ? segment.parts[*job.part].resource : segment.resource;
  if (job.part && from_hint(resource)) return;
  load(resource, job.base, [this](const Answer& answer) { loaded(answer); });
}

void MediaQueue::loaded_init(const Resource& map, const Answer& answer) {
  Findings findings;
  if (answer.ok())
    findings = checker_.take_init(map, answer.body);
  else
    add(findings, "init-missing", 0, to_string(map) + ": " + answer.problem());
  if (!checker_.has_init(map)) bad_inits_.insert(to_string(map));
  run_.found(where_, findings);
  next();
}

void MediaQueue::loaded(const Answer& answer) {
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  const Resource& resource = job.part ? job.segment.parts[*job.part].resource : job.segment.resource;
  Findings findings;
  if (!answer.ok()) {
    add(findings, "segment-missing", job.segment.line, to_string(resource) + ": " + answer.problem());
  } else {
    findings = check_media_answer(answer);
    Findings media = job.part ? checker_.take_part(job.segment, *job.part, answer.body)
                              : checker_.take_segment(job.segment, job.context, answer.body);
    findings.insert(findings.end(), media.begin(), media.end());
    ++(job.part ? parts_ : segments_);
  }
  run_.found(where_, findings);
  next();
}

}  // namespace headgate::check
