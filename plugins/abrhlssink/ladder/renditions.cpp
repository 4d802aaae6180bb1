// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ladder/renditions.h"

#include <utility>

namespace headgate::abrhlssink {

Renditions::Renditions(RenditionSettings settings, std::function<void(std::vector<Out>&&)> deliver,
                       std::function<void()> wake)
    : settings_(std::move(settings)),
      deliver_(std::move(deliver)),
      wake_(std::move(wake)),
      source_(std::make_shared<store::DerivedSource>()) {}

Renditions::~Renditions() {
  close("stopped");
}

UnitSink Renditions::sink() {
  UnitSink sink;
  sink.track = [this](const std::string& name, const codec::Track& known) { track(name, known); };
  sink.unit = [this](const std::string& name, store::DerivedUnit one) { unit(name, std::move(one)); };
  sink.end = [this](const std::string& name, const std::string& reason) { end(name, reason); };
  return sink;
}

// Without the lock: a disk may be slow, and the source's records do not wait for it.
void Renditions::open_volume(const std::string& name) {
  {
    std::lock_guard lock(mutex_);
    if (volumes_.count(name) != 0) return;
  }
  auto opened =
      store::Volume::open(store::derived_volume(settings_.root, name, settings_.node, settings_.keep_ms));
  std::lock_guard lock(mutex_);
  if (opened)
    volumes_[name] = std::move(opened).value();
  else
    note(name, renditions_[name], Unexpected(opened.error()));
}

void Renditions::track(const std::string& name, const codec::Track& track) {
  open_volume(name);
  {
    std::lock_guard lock(mutex_);
    const auto known = volumes_.find(name);
    const std::shared_ptr<store::Volume> volume = known != volumes_.end() ? known->second : nullptr;
    Rendition& rendition = renditions_[name];
    if (volume && !rendition.writer) {
      store::DerivedSettings derived;
      derived.event = settings_.event;
      derived.station = settings_.station;
      derived.rendition = name;
      rendition.writer = store::DerivedWriter::start(
          volume, source_, derived, [this, name](const playlist::Record& record) { put(name, record); },
          wake_);
    }
    if (rendition.writer) rendition.writer->configure(track);
  }
  deliver();
}

void Renditions::unit(const std::string& name, store::DerivedUnit unit) {
  {
    std::lock_guard lock(mutex_);
    const auto found = renditions_.find(name);
    if (found == renditions_.end() || !found->second.writer) return;
    found->second.writer->push(std::move(unit));
    advance(name, found->second, false);
  }
  deliver();
}

void Renditions::end(const std::string& name, const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    const auto found = renditions_.find(name);
    if (found == renditions_.end() || !found->second.writer) return;
    // What a failed encoder still had is lost: no picture is shown over the time of those.
    advance(name, found->second, reason != "error");
    if (!reason.empty()) {
      found->second.writer->end(reason);
      found->second.writer.reset();
    }
  }
  deliver();
}

void Renditions::tell(const std::string& name, const playlist::RenditionRecord& record) {
  outbox_.put({name, {record}, {}});
  deliver();
}

void Renditions::source_time(const store::StreamTime& time) {
  std::lock_guard lock(mutex_);
  source_->set_time(time);
}

void Renditions::keep(size_t parts) {
  std::lock_guard lock(mutex_);
  kept_parts_ = parts;
  source_->keep(parts);
}

void Renditions::rest() {
  std::map<std::string, std::shared_ptr<store::Volume>> volumes;  // gone without the lock
  std::lock_guard lock(mutex_);
  for (const auto& [name, rendition] : renditions_)
    if (rendition.writer) return;
  volumes.swap(volumes_);
}

void Renditions::source_records(const std::vector<playlist::Record>& records) {
  {
    std::lock_guard lock(mutex_);
    for (const playlist::Record& record : records) source_->add(record);
  }
  advance();
}

void Renditions::source(uint32_t event, uint32_t station) {
  {
    std::lock_guard lock(mutex_);
    const bool first = !std::exchange(placed_, true),
               same = settings_.event == event && settings_.station == station;
    settings_.event = event;
    settings_.station = station;
    if (first || same) return;
  }
  close("superseded");
  std::lock_guard lock(mutex_);
  source_ = std::make_shared<store::DerivedSource>();
  source_->keep(kept_parts_);
}

void Renditions::advance() {
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, rendition] : renditions_)
      if (rendition.writer) advance(name, rendition, false);
  }
  deliver();
}

// With the lock.
bool Renditions::is_settled() const {
  for (const auto& [name, rendition] : renditions_)
    if (rendition.writer && rendition.writer->is_opening()) return false;
  return outbox_.idle();
}

bool Renditions::settled() const {
  std::lock_guard lock(mutex_);
  return is_settled();
}

bool Renditions::settle(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, longest, [this] { return released_ || is_settled(); });
  return !released_;
}

void Renditions::release() {
  std::lock_guard lock(mutex_);
  released_ = true;
  changed_.notify_all();
}

void Renditions::close(const std::string& reason) {
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, rendition] : renditions_) {
      if (!rendition.writer) continue;
      advance(name, rendition, true);
      rendition.writer->end(reason);
      rendition.writer.reset();
    }
  }
  deliver();
}

// With the lock, as what follows.
void Renditions::advance(const std::string& name, Rendition& rendition, bool drained) {
  note(name, rendition, drained ? rendition.writer->drain() : rendition.writer->advance());
}

void Renditions::note(const std::string& name, Rendition& rendition, const Result<void>& result) {
  const std::string error = result ? std::string() : result.error().message;
  if (error == rendition.error) return;
  rendition.error = error;
  if (!error.empty()) outbox_.put({name, {}, error});
}

void Renditions::put(const std::string& name, const playlist::Record& record) {
  outbox_.put({name, {record}, {}});
}

void Renditions::deliver() {
  outbox_.drain([this](std::vector<Out>&& outs) {
    std::vector<Out> joined;
    for (Out& out : outs) {
      if (!joined.empty() && joined.back().rendition == out.rendition && joined.back().error.empty() &&
          out.error.empty())
        joined.back().records.insert(joined.back().records.end(), out.records.begin(), out.records.end());
      else
        joined.push_back(std::move(out));
    }
    deliver_(std::move(joined));
  });
  std::lock_guard lock(mutex_);  // settle() looks with it
  changed_.notify_all();
}

}  // namespace headgate::abrhlssink
