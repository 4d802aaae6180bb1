// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recorder.h"

#include <algorithm>
#include <cerrno>

#include "recorder_track.h"

namespace headgate::gst {

Result<std::unique_ptr<Recorder>> Recorder::open(RecorderSettings settings, Emit emit,
                                                 std::function<void()> on_opened, const Clock& clock) {
  auto volume = store::Volume::open(settings.volume, clock);
  if (!volume) return Unexpected(volume.error());
  return std::unique_ptr<Recorder>(new Recorder(std::move(settings), std::move(volume).value(),
                                                std::move(emit), std::move(on_opened), clock));
}

Recorder::Recorder(RecorderSettings settings, std::shared_ptr<store::Volume> volume, Emit emit,
                   std::function<void()> on_opened, const Clock& clock)
    : settings_(std::move(settings)),
      volume_(std::move(volume)),
      emit_(std::move(emit)),
      on_opened_(std::move(on_opened)),
      clock_(clock) {
  settings_.run.busy_ms = settings_.open_us / 1000 * 9 / 10;
  session_.info = settings_.fallback;
  promise(session_.info);
}

Recorder::~Recorder() {
  stop();
}

void Recorder::stop() {
  take(nullptr, Stop{});
  while (opening_) {
    opening_->wait_ms(open_left_us() / 1000 + 1);
    look();
  }
}

Recorder::Track* Recorder::add_track(codec::Kind kind) {
  tracks_.push_back(std::make_unique<Track>());
  tracks_.back()->kind = kind;
  tracks_.back()->session = next_ ? next_->id : session_.id;
  return tracks_.back().get();
}

// What this packager keeps, whoever sends.
void Recorder::promise(store::RunInfo& info) const {
  info.max_segment_ms = static_cast<uint32_t>(fmp4::longest_segment_ms(settings_.packager));
  info.max_part_ms = static_cast<uint32_t>(fmp4::longest_part_ms(settings_.packager));
}

template <typename What>
void Recorder::take(Track* track, What what) {
  look();
  if (opening_ || !apply(track, what)) keep({track, std::move(what)});
}

void Recorder::remove_track(Track* track) {
  take(track, Remove{});
}
void Recorder::session(Track* track, uint32_t id, store::RunInfo info) {
  take(track, Session{id, std::move(info)});
}
void Recorder::session_end(Track* track, const std::string& reason) {
  take(track, SessionEnd{reason});
}
void Recorder::configure(Track* track, codec::Track config) {
  take(track, std::move(config));
}
void Recorder::repaired(Track* track, store::ClockRepair repair) {
  take(track, std::move(repair));
}
void Recorder::push(Track* track, Unit unit) {
  take(track, std::move(unit));
}
void Recorder::advance(Track* track, int64_t position_ns) {
  take(track, Advance{position_ns});
}
void Recorder::silent() {
  look();
  if (!opening_) settle();  // else there is no run yet
}
void Recorder::set_active(Track* track, bool active) {
  take(track, Active{active});
}
void Recorder::eos(Track* track) {
  take(track, Eos{});
}

void Recorder::flush(Track* track) {
  std::erase_if(later_, [&](const Call& call) {
    const bool dropped = call.track == track && std::holds_alternative<Unit>(call.what);
    stats_.dropped_frames += dropped;
    if (dropped) later_bytes_ -= call.bytes();
    return dropped;
  });
  drop_queue(*track);
  take(track, Flush{});
}

size_t Recorder::Call::bytes() const {
  const Unit* unit = std::get_if<Unit>(&what);
  return sizeof(Call) + (unit ? unit->data.size() : 0);
}

void Recorder::keep(Call call) {
  later_bytes_ += call.bytes();
  later_.push_back(std::move(call));
  look();
}

void Recorder::look() {
  while (opening_) {
    if (opening_->wait_ms(0)) {
      take_run();
    } else if (waited_for_run()) {
      opening_.reset();
      fail({ETIMEDOUT, "the archive's disk does not answer"});
    } else {
      return;
    }
    progress(false);
    replay();
  }
}

void Recorder::replay() {
  while (!opening_ && !later_.empty()) {
    Call call = std::move(later_.front());
    later_bytes_ -= call.bytes();
    later_.pop_front();
    if (std::visit([&](auto& what) { return apply(call.track, what); }, call.what)) continue;
    later_bytes_ += call.bytes();
    later_.push_front(std::move(call));
  }
}

bool Recorder::apply(Track* track, Remove&) {
  track->eos = true;
  progress(!track->queue.empty());
  if (opening_) return false;
  std::erase_if(tracks_, [track](const auto& entry) { return entry.get() == track; });
  return true;
}

bool Recorder::apply(Track* track, Session& session) {
  promise(session.info);
  track->eos = false;
  if (track->session == session.id) return true;
  for (const auto& other : tracks_) other->ended = false;
  // What this track still has queued is of its old session; and a third session may come while tracks are
  // still leaving the first.
  if (!track->queue.empty() || (next_ && next_->id != session.id)) progress(true);
  if (opening_) return false;
  track->session = session.id;
  if (session_.id != session.id) next_ = std::move(session);
  progress(false);
  return true;
}

bool Recorder::apply(Track* track, SessionEnd& end) {
  track->ended = true;
  end_reason_ = end.reason;
  const bool all = std::all_of(tracks_.begin(), tracks_.end(),
                               [](const auto& other) { return other->ended || !other->awaited(); });
  progress(all);
  if (opening_) return false;
  if (all) end_run(end.reason);
  return true;
}

bool Recorder::apply(Track* track, codec::Track& config) {
  if (track->config == config) return true;
  if (!track->queue.empty()) progress(true);  // those were of the old configuration
  if (opening_) return false;
  track->config = std::move(config);
  return true;
}

bool Recorder::apply(Track* track, Unit& unit) {
  if (!track->config) {
    ++stats_.dropped_frames;
    return true;
  }
  track->eos = false;
  track->given_up = false;
  track->position_ns = std::max(track->position_ns.value_or(unit.dts_ns), unit.dts_ns);
  track->queued_bytes += unit.data.size();
  track->queue.push_back(std::move(unit));
  if (waiting_since_us_ == 0) waiting_since_us_ = clock_.mono_us();
  progress(false);
  return true;
}

bool Recorder::apply(Track* track, store::ClockRepair& repair) {
  const bool is_next = next_ && track->session == next_->id;
  std::vector<store::ClockRepair>& told = is_next ? next_repairs_ : repairs_;
  if ((failed_ && !is_next) || told.size() >= kMaxEarlyRepairs) return true;
  repair.pts = track->position_ns.value_or(0);
  told.push_back(std::move(repair));
  if (packager_ && !is_next) note_repairs();
  return true;
}

bool Recorder::apply(Track* track, Advance& advance) {
  track->given_up = false;
  track->position_ns = std::max(track->position_ns.value_or(advance.position_ns), advance.position_ns);
  progress(false);
  return true;
}

bool Recorder::apply(Track* track, Eos&) {
  track->eos = true;
  const bool all = all_eos();
  progress(all);
  if (opening_) return false;
  if (all) end_run(end_reason_.empty() ? "eos" : end_reason_);
  return true;
}

bool Recorder::apply(Track* track, Flush&) {
  track->position_ns.reset();
  track->eos = false;
  failed_ = false;
  if (packager_) end_run("flush");
  return true;
}

bool Recorder::apply(Track* track, Active& active) {
  if (track->active == active.active) return true;
  track->active = active.active;
  if (!active.active) progress(false);
  return true;
}

bool Recorder::apply(Track*, Stop&) {
  progress(true);
  if (opening_) return false;
  end_run(end_reason_.empty() ? "stopped" : end_reason_);
  return true;
}

bool Recorder::all_eos() const {
  bool any = false;
  for (const auto& track : tracks_) {
    if (track->active && !track->eos && track->begun()) return false;
    any |= track->eos;
  }
  return any && !opening_;
}

bool Recorder::ahead(const Track* track) const {
  for (const auto& other : tracks_) {
    if (other.get() == track || !other->awaited() || other->given_up) continue;
    if (!other->position_ns || !track->position_ns || *track->position_ns > *other->position_ns + kMaxAheadNs)
      return true;
  }
  return false;
}

void Recorder::give_up_waiting(const Track* track) {
  for (const auto& other : tracks_)
    if (other.get() != track) other->given_up = true;
}

// Moves queued units on as far as the state of all tracks allows; `force`: wait for nobody.
void Recorder::progress(bool force) {
  for (;;) {
    if (next_) {
      // Tracks that are still in the old session go on with it.
      while (Track* track = next_track()) feed(*track, track->pop());
      if (!force && !everyone_in_session(next_->id) && !waited_enough()) return;
      end_run(end_reason_.empty() ? "superseded" : end_reason_);
      failed_ = false;
      session_ = std::move(*next_);
      next_.reset();
      repairs_ = std::exchange(next_repairs_, {});
      for (const auto& track : tracks_) track->session = session_.id;
      continue;
    }
    if (!packager_) {
      if (!tracks_known(force)) return;
      if (failed_) return drop_queues();
      if (!writer_) return open_run();
      if (!time_) begin_timeline();
      begin_presentation();
      if (!packager_) return drop_queues();
    }
    Track* track = next_track();
    if (!track) break;
    feed(*track, track->pop());
  }
  const bool queued = std::any_of(tracks_.begin(), tracks_.end(), [](auto& t) { return !t->queue.empty(); });
  if (!queued) waiting_since_us_ = 0;
}

bool Recorder::everyone_in_session(uint32_t id) const {
  return std::all_of(tracks_.begin(), tracks_.end(),
                     [id](const auto& track) { return track->session == id || !track->awaited(); });
}

bool Recorder::tracks_known(bool force) const {
  bool any = false, all = true;
  for (const auto& track : tracks_) {
    const bool known = track->config && !track->queue.empty();
    any |= known;
    all &= known || !track->awaited() || track->given_up || comes_later(*track);
  }
  return any && (all || force || waited_enough());
}

// GAP events have carried the track past what the others have queued.
bool Recorder::comes_later(const Track& track) const {
  return track.position_ns && std::all_of(tracks_.begin(), tracks_.end(), [&](const auto& other) {
           return other->queue.empty() || other->queue.front().dts_ns <= *track.position_ns;
         });
}

bool Recorder::waited_enough() const {
  if (waiting_since_us_ == 0) return false;
  if (clock_.mono_us() - waiting_since_us_ >= kTrackWaitUs) return true;
  return std::any_of(tracks_.begin(), tracks_.end(), [](const auto& track) {
    return track->queued_bytes >= kMaxQueuedBytes || track->queued_ns() >= kTrackWaitUs * 1000;
  });
}

// The track whose first queued unit may be written next: the earliest DTS first.
Recorder::Track* Recorder::next_track() {
  if (!packager_) return nullptr;
  Track* best = nullptr;
  for (const auto& track : tracks_) {
    if (track->queue.empty() || (next_ && track->session == next_->id) || waits_for_key(*track)) continue;
    if (!best || track->queue.front().dts_ns < best->queue.front().dts_ns) best = track.get();
  }
  return best;
}

// An audio track that came late or changed starts with a video key frame, because with it starts a new file.
bool Recorder::waits_for_key(const Track& track) const {
  if (track.kind != codec::Kind::audio || !presentation_.video || presentation_.audio == track.config)
    return false;
  const bool video_goes_on = std::any_of(tracks_.begin(), tracks_.end(), [](const auto& other) {
    return other->kind == codec::Kind::video && other->awaited();
  });
  return video_goes_on && track.queued_bytes < kMaxQueuedBytes && track.queued_ns() < kTrackWaitUs * 1000;
}

// Long enough for a run to be opened.
bool Recorder::waited_for_run() const {
  return later_bytes_ >= kMaxQueuedBytes || open_left_us() == 0;
}

int64_t Recorder::open_left_us() const {
  return std::max<int64_t>(opening_since_us_ + settings_.open_us - clock_.mono_us(), 0);
}

void Recorder::drop_queues() {
  for (const auto& track : tracks_) drop_queue(*track);
  waiting_since_us_ = 0;
}

void Recorder::drop_queue(Track& track) {
  stats_.dropped_frames += track.queue.size();
  track.queue.clear();
  track.queued_bytes = 0;
}

}  // namespace headgate::gst
