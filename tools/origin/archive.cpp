// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive.h"

#include <playlist/rendition.h>
#include <store/derived.h>
#include <store/reader.h>
#include <store/run_tail.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

namespace headgate::origin {
namespace {

constexpr int64_t kTicksPerMs = playlist::kTimescale / 1000;

int64_t duration_of(const std::vector<playlist::Record>& records) {
  int64_t sum = 0;
  for (const playlist::Record& record : records)
    if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) sum += segment->duration;
  return sum;
}

// What a derived rendition's volume says, with names below the archive's root; and no segments whose media is
// kept no longer.
class DerivedReader {
 public:
  DerivedReader(const std::string& root, const std::string& rendition)
      : prefix_(std::string(store::kDerivedFolder) + "/" + rendition + "/"), root_(root) {}
  std::string volume() const { return root_ + "/" + prefix_; }
  void add(std::vector<playlist::Record> records, const playlist::StreamIndex& source,
           playlist::RenditionIndex& index) {
    each(std::move(records), [&](const playlist::Record& record) { index.add(record, source); });
  }
  template <typename Take>
  void each(std::vector<playlist::Record> records, Take take) {
    for (playlist::Record& record : records) {
      if (auto* init = std::get_if<playlist::InitRecord>(&record)) {
        init->file = prefix_ + init->file;
      } else if (auto* part = std::get_if<playlist::PartRecord>(&record)) {
        part->file = prefix_ + part->file;
        if (!is_there(part->file)) continue;
      } else if (auto* segment = std::get_if<playlist::SegmentRecord>(&record)) {
        segment->file = prefix_ + segment->file;
        if (!is_there(segment->file)) continue;
      }
      take(record);
    }
  }

 private:
  bool is_there(const std::string& file) {
    if (file == looked_at_) return there_;
    looked_at_ = file;
    const std::string path = root_ + "/" + file;
    there_ = ::access(path.c_str(), F_OK) == 0 || ::access((path + ".part").c_str(), F_OK) == 0;
    return there_;
  }
  std::string prefix_, root_;
  std::string looked_at_;
  bool there_ = false;
};

// Runs of one station and what stands in between them, oldest first.
struct Place {
  std::string run;
  std::string rendition;  // of whose volume; empty: the archive's own
};
std::vector<Place> places(const std::string& root, uint32_t event, uint32_t station,
                          const std::string& rendition) {
  std::vector<Place> out;
  for (const std::string& one : {rendition, playlist::fill_of(rendition)}) {
    const std::string volume = one.empty() ? root : DerivedReader(root, one).volume();
    for (const std::string& run : store::list_runs(volume, event, station)) out.push_back({run, one});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Place& a, const Place& b) { return playlist::is_later_run(b.run, a.run); });
  return out;
}

// Likewise from the newest run back.
Renditions read_renditions(const std::string& root, uint32_t event, uint32_t station,
                           const playlist::IndexSettings& settings, const playlist::StreamIndex& source) {
  Renditions out;
  for (const std::string& name : store::list_renditions(root)) {
    if (out.size() == playlist::kMaxRenditions) break;
    if (playlist::is_fill(name)) continue;
    std::vector<Place> runs = places(root, event, station, name);
    if (runs.empty()) continue;
    std::vector<std::pair<DerivedReader, store::RunTail>> tails;
    int64_t wanted = (std::max(settings.window_ms, settings.live_ms) + kWindowSpareMs) * kTicksPerMs;
    bool whole = true;
    while (!runs.empty() && wanted > 0 && tails.size() < kMaxWindowRuns && whole) {
      DerivedReader reader(root, runs.back().rendition);
      auto tail = store::read_run_tail(reader.volume(), event, station, runs.back().run, wanted);
      runs.pop_back();
      if (!tail) continue;
      wanted -= duration_of(tail->records);
      whole = tail->from == 0;
      tails.emplace_back(std::move(reader), *std::move(tail));
    }
    playlist::RenditionIndex index(settings);
    index.follow(source);
    for (auto tail = tails.rbegin(); tail != tails.rend(); ++tail)
      tail->first.add(std::move(tail->second.records), source, index);
    if (tails.empty() || !tails.front().second.writing) index.stop(source);
    if (index.has_media()) out.emplace(name, std::move(index));
  }
  return out;
}

// A station's newest runs, oldest first, and what is not among them.
struct Tails {
  std::vector<std::pair<bool, store::RunTail>> runs;  // true: fill
  Unread unread;
};

// From the newest run back until so much media is there.
Tails read_tails(const std::string& root, uint32_t event, uint32_t station, int64_t wanted) {
  std::vector<Place> runs = places(root, event, station, "");
  Tails out;
  while (!runs.empty() && wanted > 0 && out.runs.size() < kMaxWindowRuns && out.unread.partial.empty()) {
    const Place last = std::move(runs.back());
    runs.pop_back();
    const bool fill = !last.rendition.empty();
    const std::string volume = fill ? DerivedReader(root, last.rendition).volume() : root;
    auto tail = store::read_run_tail(volume, event, station, last.run, wanted);
    if (!tail) continue;  // a damaged run: what others have is shown
    wanted -= duration_of(tail->records);
    if (!fill && tail->from > 0) {
      out.unread.partial = last.run;
      out.unread.until = tail->from;
    }
    out.runs.emplace_back(fill, *std::move(tail));
  }
  for (const Place& place : runs)
    if (place.rendition.empty()) out.unread.runs.push_back(place.run);
  std::reverse(out.runs.begin(), out.runs.end());
  return out;
}

// `take(fill, record)` of each in order.
template <typename Take>
void each_record(const std::string& root, Tails tails, Take take) {
  DerivedReader reader(root, std::string(playlist::kFill));
  for (auto& [fill, tail] : tails.runs) {
    if (fill)
      reader.each(std::move(tail.records), [&](const playlist::Record& record) { take(true, record); });
    else
      for (const playlist::Record& record : tail.records) take(false, record);
  }
}

Window read_window(const std::string& root, uint32_t event, uint32_t station,
                   const playlist::IndexSettings& settings) {
  Tails tails = read_tails(root, event, station,
                           (std::max(settings.window_ms, settings.live_ms) + kWindowSpareMs) * kTicksPerMs);
  Window out{playlist::StreamIndex(settings), {}, std::move(tails.unread), {}};
  each_record(root, std::move(tails), [&out](bool fill, const playlist::Record& record) {
    out.index.add(record);
    if (!fill) out.totals.add(record);
  });
  if (!out.unread.empty()) out.totals.expect_before();
  out.renditions = read_renditions(root, event, station, settings, out.index);
  return out;
}

// All of one rendition.
void read_rendition(const std::string& root, uint32_t event, uint32_t station, const std::string& name,
                    const playlist::StreamIndex& source, Renditions& out) {
  DerivedReader reader(root, name);
  playlist::RenditionIndex index;
  bool writing = false;
  index.follow(source);
  for (const std::string& one : store::list_runs(reader.volume(), event, station)) {
    auto run = store::read_run(reader.volume(), event, station, one);
    if (!run) continue;
    writing = run->writing;
    reader.add(std::move(run->records), source, index);
  }
  if (!writing) index.stop(source);
  if (index.has_media() && out.size() < playlist::kMaxRenditions) out.emplace(name, std::move(index));
}

}  // namespace

bool is_derived(const std::string& file) {
  return file.starts_with(std::string(store::kDerivedFolder) + "/");
}

Archive::Archive(Loop& loop, std::string root, uint32_t event)
    : root_(std::move(root)), event_(event), windows_(loop, "windows"), history_(loop, "history") {}

void Archive::list_stations(std::function<void(std::vector<uint32_t>)> done) {
  windows_.run(true, [this, done = std::move(done)] {
    return [done, stations = store::list_stations(root_, event_)] { done(stations); };
  });
}

void Archive::load_window(uint32_t station, const playlist::IndexSettings& settings, bool urgent,
                          std::function<void(Window)> done) {
  windows_.run(urgent, [this, station, settings, done = std::move(done)] {
    // Shared: a std::function must be copyable, an index is better not copied.
    auto window = std::make_shared<Window>(read_window(root_, event_, station, settings));
    return [done, window] { done(std::move(*window)); };
  });
}

void Archive::load_newest(uint32_t station, std::function<void(NewestRecords)> done) {
  windows_.run(true, [this, station, done = std::move(done)] {
    auto records = std::make_shared<NewestRecords>();
    each_record(root_, read_tails(root_, event_, station, kWindowSpareMs * kTicksPerMs),
                [&](bool fill, const playlist::Record& record) {
                  records->emplace_back(fill ? std::string(playlist::kFill) : "", record);
                });
    return [done, records] { done(std::move(*records)); };
  });
}

void Archive::load_all(uint32_t station, std::function<void(playlist::StreamIndex, Renditions)> done) {
  struct Work {
    std::vector<std::string> runs;
    size_t next = 0;
    bool listed = false;
    playlist::StreamIndex index;
    std::vector<std::string> names;  // of renditions that are not read yet
    Renditions renditions;
  };
  auto work = std::make_shared<Work>();
  auto step = [this, station, work] {
    if (!std::exchange(work->listed, true)) {
      work->runs = store::list_runs(root_, event_, station);
      work->names = store::list_renditions(root_);
      std::erase_if(work->names, playlist::is_fill);
    }
    if (work->next < work->runs.size()) {
      auto run = store::read_run(root_, event_, station, work->runs[work->next++]);
      if (run)
        for (const playlist::Record& record : run->records) work->index.add(record);
    } else if (!work->names.empty()) {
      read_rendition(root_, event_, station, work->names.back(), work->index, work->renditions);
      work->names.pop_back();
    }
    return work->next < work->runs.size() || !work->names.empty();
  };
  history_.run_steps(true, step, [work, done = std::move(done)] {
    done(std::move(work->index), std::move(work->renditions));
  });
}

void Archive::sum(uint32_t station, Unread unread, std::function<void(Totals::Before)> done) {
  struct Work {
    Unread unread;
    size_t next = 0;
    Totals::Before sum;
  };
  auto work = std::make_shared<Work>();
  work->unread = std::move(unread);
  auto step = [this, station, work] {
    const auto& runs = work->unread.runs;
    bool whole = work->next < runs.size();
    const std::string& run = whole ? runs[work->next] : work->unread.partial;
    ++work->next;
    auto sum = run.empty()
                   ? store::RunSum{}
                   : store::sum_run(root_, event_, station, run, whole ? UINT64_MAX : work->unread.until)
                         .value_or(store::RunSum{});
    work->sum.runs += whole && sum.opened ? 1 : 0;  // the partial one is counted where its end was read
    work->sum.gaps += sum.gaps;
    work->sum.duration += sum.duration;
    if (!work->sum.first_utc_us) work->sum.first_utc_us = sum.first_utc_us;
    return work->next < runs.size() + (work->unread.partial.empty() ? 0 : 1);
  };
  history_.run_steps(false, step, [work, done = std::move(done)] { done(work->sum); });
}

}  // namespace headgate::origin
