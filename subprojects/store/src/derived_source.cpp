// SPDX-License-Identifier: LGPL-2.1-or-later
#include "derived_source.h"

#include <cstdlib>

#include "run_writer_impl.h"

namespace headgate::store {
namespace {

constexpr int64_t kSlackTicks = kBoundarySlackMs * (fmp4::kPartTimescale / 1000);

}  // namespace

DerivedSource::DerivedSource() : state_(std::make_unique<State>()) {}
DerivedSource::~DerivedSource() = default;

void DerivedSource::add(const playlist::Record& record) {
  std::visit([this](const auto& what) { state_->on(what); }, record);
}

void DerivedSource::set_time(const StreamTime& time) {
  if (state_->run > 0) state_->runs[state_->run].time = time;
}

void DerivedSource::keep(size_t parts) {
  state_->most = parts;
  state_->forget_old();
}

void DerivedSource::State::forget_old() {
  while (boundaries.size() > most) {
    boundaries.pop_front();
    ++first;
  }
}

void DerivedSource::State::end_segment() {
  if (!boundaries.empty()) boundaries.back().ends_segment = true;
}

void DerivedSource::State::on(const playlist::RunRecord& record) {
  end_segment();
  if (run > 0) runs[run].ended = true;
  runs[++run].record = record;
  dseq_ = record.discontinuity_sequence;
  run_has_parts_ = false;
  // Those that no boundary needs any more.
  const uint64_t oldest = boundaries.empty() ? run : boundaries.front().run;
  std::erase_if(runs, [&](const auto& entry) { return entry.first < oldest && entry.first < run; });
}

void DerivedSource::State::on(const playlist::InitRecord& init) {
  init_ = init.id;
}

void DerivedSource::State::on(const playlist::PartRecord& part) {
  if (run == 0) return;
  Boundary next;
  next.run = run;
  next.msn = part.msn;
  next.utc_us = part.utc_us;
  next.begin = part.pts;
  const Boundary* last = run_has_parts_ && !boundaries.empty() ? &boundaries.back() : nullptr;
  next.starts_segment = part.index == 0 && (last == nullptr || last->msn != part.msn);
  const bool jump = last != nullptr && std::abs(part.pts - last->end) > kJumpTicks;
  if (next.starts_segment) {
    end_segment();
    // As RunWriter counts them.
    if (last != nullptr && (jump || segment_init_ != init_)) ++dseq_;
    segment_init_ = init_;
  }
  next.dseq = dseq_;
  // Reordered pictures come before what they are cut with; and a part's earliest picture wavers.
  if (last != nullptr && !jump && (!next.starts_segment || part.pts < last->end - kSlackTicks))
    next.begin = last->end;
  next.end = next.begin + part.duration;
  boundaries.push_back(next);
  run_has_parts_ = true;
  forget_old();
}

void DerivedSource::State::on(const playlist::SegmentRecord& segment) {
  if (run_has_parts_ && !boundaries.empty() && boundaries.back().msn == segment.msn) end_segment();
}

void DerivedSource::State::on(const playlist::GapRecord&) {
  if (run_has_parts_) end_segment();
}

void DerivedSource::State::on(const playlist::EndRecord& end) {
  if (run == 0) return;
  end_segment();
  runs[run].ended = true;
  runs[run].end_reason = end.reason;
}

}  // namespace headgate::store
