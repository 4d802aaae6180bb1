// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/dash_queue.h>
#include <check/media_queue.h>
#include <check/url.h>

#include <base/json_line.h>

namespace headgate::check {

using conformance::Findings;
using conformance::MpdRepresentation;
using conformance::MpdSegment;

void DashQueue::take(const conformance::Mpd& mpd, const conformance::MpdPeriod& period,
                     const MpdRepresentation& one, const std::string& base, conformance::Micros now_utc) {
  if (!one.has_template || one.is_protected) return;
  one_ = one;
  base_ = base;
  min_buffer_ = mpd.min_buffer.value_or(0);
  const std::vector<MpdSegment> listed = conformance::available_segments(mpd, period, one, now_utc);
  if (!begun_ && !listed.empty()) {
    begun_ = true;
    if (live_ && listed.size() > kLiveSegments) last_time_ = listed[listed.size() - kLiveSegments - 1].time;
  }
  for (const MpdSegment& segment : listed) {
    if (last_time_ && segment.time <= *last_time_) continue;
    last_time_ = segment.time;
    jobs_.push_back(conformance::listed(one, segment));
  }
  while (live_ && jobs_.size() > kMaxQueued) jobs_.pop_front();
  next();
}

void DashQueue::next() {
  if (loading_ || jobs_.empty()) return;
  if (!asked_init_) {
    asked_init_ = loading_ = true;
    const auto url = resolve(base_, one_.init_url());
    run_.client().get(url.value_or(""), "", [this](const Answer& answer) {
      loading_ = false;
      Findings findings;
      if (answer.ok())
        findings = media_.take_init(one_, answer.body);
      else
        add_dash(findings, "init-missing", one_.line, one_.init_url() + ": " + answer.problem());
      run_.found(where_, findings);
      next();
    });
    return;
  }
  loading_ = true;
  const auto url = resolve(base_, one_.media_url(jobs_.front().segment));
  run_.client().get(url.value_or(""), "",
                    [this, job = jobs_.front()](const Answer& answer) { loaded(job, answer); });
  jobs_.pop_front();
}

void DashQueue::loaded(const conformance::ListedSegment& job, const Answer& answer) {
  loading_ = false;
  Findings findings;
  if (!answer.ok()) {
    add_dash(findings, "segment-missing", one_.line, one_.media_url(job.segment) + ": " + answer.problem());
  } else {
    if (answer.type.compare(0, 6, "video/") != 0 && answer.type.compare(0, 6, "audio/") != 0)
      add_dash(findings, "media-type", one_.line, "a segment is sent as '" + answer.type + "'");
    Findings media = media_.take_segment(one_, job, min_buffer_, answer.body);
    findings.insert(findings.end(), media.begin(), media.end());
    ++segments_;
    bytes_ += answer.body.size();
  }
  run_.found(where_, findings);
  next();
}

std::string DashQueue::row() const {
  return where_ + "   " + std::to_string(segments_) + " segments, " +
         load::short_number(static_cast<double>(bytes_)) + "bytes";
}

std::string DashQueue::json() const {
  JsonLine line;
  line.field("name", where_).field("segments", segments_).field("bytes", bytes_);
  return line.take();
}

}  // namespace headgate::check
