// SPDX-License-Identifier: LGPL-2.1-or-later
#include "archive.h"

#include <store/reader.h>
#include <store/run_tail.h>

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

// From the newest run back until the window is full.
Window read_window(const std::string& root, uint32_t event, uint32_t station,
                   const playlist::IndexSettings& settings) {
  std::vector<std::string> runs = store::list_runs(root, event, station);
  std::vector<store::RunTail> tails;
  int64_t wanted = (std::max(settings.window_ms, settings.live_ms) + kWindowSpareMs) * kTicksPerMs;
  Window out{playlist::StreamIndex(settings), {}, {}};
  while (!runs.empty() && wanted > 0 && tails.size() < kMaxWindowRuns && out.unread.partial.empty()) {
    auto tail = store::read_run_tail(root, event, station, runs.back(), wanted);
    if (tail) {  // else a damaged run: what others have is shown
      wanted -= duration_of(tail->records);
      if (tail->from > 0) {
        out.unread.partial = runs.back();
        out.unread.until = tail->from;
      }
      tails.push_back(*std::move(tail));
    }
    runs.pop_back();
  }
  out.unread.runs = std::move(runs);
  for (auto tail = tails.rbegin(); tail != tails.rend(); ++tail) {
    for (const playlist::Record& record : tail->records) {
      out.index.add(record);
      out.totals.add(record);
    }
  }
  if (!out.unread.empty()) out.totals.expect_before();
  return out;
}

}  // namespace

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

void Archive::load_all(uint32_t station, std::function<void(playlist::StreamIndex)> done) {
  struct Work {
    std::vector<std::string> runs;
    size_t next = 0;
    bool listed = false;
    playlist::StreamIndex index;
  };
  auto work = std::make_shared<Work>();
  auto step = [this, station, work] {
    if (!std::exchange(work->listed, true)) work->runs = store::list_runs(root_, event_, station);
    if (work->next == work->runs.size()) return false;
    auto run = store::read_run(root_, event_, station, work->runs[work->next++]);
    if (run)
      for (const playlist::Record& record : run->records) work->index.add(record);
    return work->next < work->runs.size();
  };
  history_.run_steps(true, step, [work, done = std::move(done)] { done(std::move(work->index)); });
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
