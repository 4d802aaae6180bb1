// SPDX-License-Identifier: LGPL-2.1-or-later
// RunWriter::open, on the volume's opener thread: where does the stream stand, and a new run that goes on
// from there.
#include <base/io.h>
#include <store/reader.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>

#include "chain_lock.h"
#include "fill_end.h"
#include "kernel_clock.h"
#include "layout.h"
#include "run_scan.h"
#include "run_writer_impl.h"

namespace headgate::store {
namespace {

// Runs start at a multiple of this many ticks: 40 ms, a whole number of ticks of every AAC sample rate, so
// that the offset never costs a timestamp its precision.
constexpr int64_t kBaseStep = 3600;
constexpr int64_t kLeastFileMs = 1000;
constexpr auto kBusyPause = std::chrono::milliseconds(100);  // until a busy station is tried again
constexpr size_t kMaxInfoBytes = 1024;  // of each text that a publisher or a caller gives
constexpr int kMaxNameTries = 100;

int64_t round_up(int64_t ticks) {
  return (ticks + kBaseStep - 1) / kBaseStep * kBaseStep;
}

int64_t new_base(const Continuation& previous, const std::optional<FillEnd>& fill, int64_t utc_us) {
  if (previous.run.empty()) return 0;
  int64_t elapsed = (utc_us - previous.utc_us) * 9 / 100;
  int64_t least = previous.any_media ? std::max(previous.end_pts, previous.base) : previous.base;
  if (fill) least = std::max(least, fill->end_pts);
  return round_up(std::max(previous.base + elapsed, least));
}

std::string boot_id() {
  auto bytes = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!bytes) return "";
  std::string text(as_text(*bytes));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string_view cut(const std::string& text) {
  return std::string_view(text).substr(0, kMaxInfoBytes);
}

void put_open(JsonLine& json, const OpenLine& line, const RunInfo& info, const VolumeImpl& volume,
              const std::string& uuid) {
  json.field("run", line.run).field("event", line.event).field("station", line.station);
  if (!info.ticket_id.empty()) json.field("tid", cut(info.ticket_id));
  json.field("node", volume.settings().node);
  if (!line.previous_run.empty()) json.field("prev_run", line.previous_run);
  if (info.position) json.field("of", cut(info.position->of));
  json.field("peer", cut(info.peer))
      .field("proto", cut(info.protocol))
      .field("ua", cut(info.user_agent))
      .field("claim", cut(info.claim));
  if (!info.ticket.empty()) json.field("ticket", cut(info.ticket));
  json.field("volume", uuid)
      .field("boot_id", boot_id())
      .field("utc", line.utc_us)
      .field("mono", volume.clock().mono_us())
      .raw("ntp", kernel_clock_json())
      .field("msn", line.msn)
      .field("dseq", line.dseq)
      .field("base", line.base);
  if (line.filled > 0) json.field("filled", line.filled).field("filled_utc", line.filled_utc_us);
  if (line.max_segment_ms > 0) json.field("maxseg", line.max_segment_ms);
  if (line.max_part_ms > 0) json.field("maxpart", line.max_part_ms);
  if (info.receipt_us > 0) json.field("receipt_us", info.receipt_us);
  if (line.any_media) json.field("prev_pts", line.end_pts).field("prev_utc", line.end_utc_us);
}

// Where the station's runs on disk leave the stream. The runs of a dead writer go to the volume to be
// recovered: the last one, and those before it that it had ended but not yet committed.
Result<Continuation> previous_on_disk(VolumeImpl& volume, const RunInfo& info) {
  const std::string& root = volume.settings().root;
  std::vector<std::string> runs = list_runs(root, info.event, info.station);
  std::optional<Continuation> latest;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    std::string directory = root + "/" + station_directory(info.event, info.station) + "/" + *run;
    bool ended = false;
    auto state = scan_continuation(directory, ended);
    if (!state || !ended) {
      auto chain = lock_chain(directory, false);
      const bool held = !chain && chain.error().code == EBUSY;
      // Whoever recovers it may take long, and changes nothing of where it stands.
      if (held && chain_has_writer(directory)) return Unexpected(chain.error());
      // It may have ended by itself before it could be locked.
      if (chain || held) state = scan_continuation(directory, ended);
      // A recovery cuts off a torn line now.
      if (held && !state && state.error().code != ENODATA) return Unexpected(chain.error());
      if (chain && !ended) volume.recover_later(directory, std::move(*chain));
    }
    // A run without a whole first line (a power cut in its first second) says nothing; the one before does.
    if (state && !latest) {
      latest = *state;
      latest->run = *run;
    }
    if (state && ended) break;
  }
  return latest.value_or(Continuation{});
}

// A directory that no other run has, with a name behind every earlier one.
Result<std::string> make_run_directory(const VolumeImpl& volume, const RunInfo& info,
                                       const std::string& parent, int64_t utc_us) {
  if (auto made = make_directories(parent); !made) return Unexpected(made.error());
  RunName name = run_name_at(utc_us, volume.settings().node);
  auto runs = list_runs(volume.settings().root, info.event, info.station);
  if (!runs.empty()) name.ticks = std::max(name.ticks, parse_run_name(runs.back())->ticks + 1);
  for (int i = 0; i < kMaxNameTries; ++i, ++name.ticks) {
    std::string text = name.text();
    if (::mkdir((parent + "/" + text).c_str(), 0750) == 0) return text;
    if (errno != EEXIST) return errno_error("mkdir " + parent + "/" + text);
  }
  return Unexpected(EEXIST, parent + ": no free run name");
}

// The first line goes out at once, not with the next commit: it speaks of no media, and with it even a run
// that dies in its first second can be continued.
Result<UniqueFd> start_chain(const std::string& directory, const std::string& first_line) {
  auto chain = lock_chain(directory, true);
  auto written = chain ? write_all(chain->get(), as_bytes(first_line)) : Result<void>();
  if (chain && written) return chain;
  // Nothing was recorded here: leave nothing that looks like a run.
  ::unlink((directory + "/" + std::string(kChainName)).c_str());
  ::rmdir(directory.c_str());
  return Unexpected(chain ? written.error() : chain.error());
}

Result<Opened> open_on_disk(VolumeImpl& volume, const RunInfo& info, std::optional<Continuation>& in_memory) {
  const std::string& root = volume.settings().root;
  auto uuid = volume.identity(info.event);
  if (!uuid) return Unexpected(uuid.error());
  std::string prefix = station_directory(info.event, info.station);
  if (auto made = make_directories(root + "/" + prefix); !made) return Unexpected(made.error());
  auto station_lock = lock_station(root + "/" + prefix, false);
  if (!station_lock) return Unexpected(station_lock.error());
  auto previous = info.position ? Result<Continuation>(Continuation{})
                  : in_memory   ? Result<Continuation>(*in_memory)
                                : previous_on_disk(volume, info);
  if (!previous) return Unexpected(previous.error());

  // Players have been given its numbers, whoever wrote it.
  std::optional<FillEnd> fill;
  if (!info.position) fill = find_fill_end(root, info.event, info.station, *previous);

  OpenLine line;
  line.utc_us = volume.clock().utc_us();
  auto name = make_run_directory(volume, info, root + "/" + prefix, line.utc_us);
  if (!name) return Unexpected(name.error());
  line.run = *name;
  line.previous_run = previous->run;
  line.event = info.event;
  line.station = info.station;
  line.msn = info.position ? info.position->msn : fill ? fill->next_msn : previous->next_msn;
  line.dseq = info.position ? info.position->dseq : fill ? fill->next_dseq : previous->next_dseq;
  line.base = info.position ? info.position->base : new_base(*previous, fill, line.utc_us);
  line.max_segment_ms = info.max_segment_ms;
  line.max_part_ms = info.max_part_ms;
  if (fill) line.filled = fill->next_msn - previous->next_msn;
  if (fill) line.filled_utc_us = fill->end_utc_us;
  line.any_media = previous->any_media;
  line.end_pts = previous->end_pts;
  line.end_utc_us = previous->end_utc_us;

  std::string directory = root + "/" + prefix + "/" + line.run;
  ChainWriter chain(line.run, volume.settings().durable);
  std::string text =
      chain.line("open", members_of([&](JsonLine& json) { put_open(json, line, info, volume, *uuid); }));
  auto chain_file = start_chain(directory, text);
  if (!chain_file) return Unexpected(chain_file.error());
  auto log = std::make_shared<RunLog>(std::move(*chain_file), std::move(chain), directory, *uuid);
  log->media_written();  // the directory and this line: durable with the next commit
  return Opened{line,  directory,      volume.settings().record_prefix + prefix + "/" + line.run,
                *uuid, std::move(log), previous->crashed};
}

Result<Opened> open_run(VolumeImpl& volume, const RunInfo& info) {
  const std::string& root = volume.settings().root;
  if (volume.poison() != 0) return Unexpected(EIO, "the archive's disk fails: " + root);
  if (volume.space() != Space::good) {
    std::string problem = DiskSpace(volume.settings()).inspect().problem;
    return Unexpected(ENOSPC, problem.empty() ? "the archive's disk is full: " + root : problem);
  }
  StationKey key{info.event, info.station};
  VolumeImpl::Claim claim = volume.claim(key);
  if (claim.busy)
    return Unexpected(EBUSY,
                      "station " + std::to_string(info.station) + " is being recorded by this process");
  auto opened = open_on_disk(volume, info, claim.previous);
  if (!opened) {
    volume.release(key, std::move(claim.previous));
    if (opened.error().code == ENOSPC) volume.report_full();
    return opened;
  }
  volume.add(key, opened->line.run, opened->log);
  return opened;
}

// What the opener's thread does for an opening. The volume goes only when that thread is done.
struct Attempt {
  VolumeImpl& volume;
  RunInfo info;
  RunSettings settings;
  std::chrono::steady_clock::time_point last_try;
  RunWriter::OnOpened on_opened;
  std::promise<Result<Opened>> promise;
  std::future<Result<Opened>> opened;  // of the opening's thread; of the opener's when that one is gone
  std::atomic<bool> unwanted{false};   // the opening is gone
};

void try_to_open(const std::shared_ptr<Attempt>& attempt) {
  if (attempt->unwanted) return;
  auto opened = open_run(attempt->volume, attempt->info);
  const auto again = std::chrono::steady_clock::now() + kBusyPause;
  if (!opened && opened.error().code == EBUSY && !attempt->unwanted && again <= attempt->last_try)
    return attempt->volume.opener().post_at(again, [attempt] { try_to_open(attempt); });
  attempt->promise.set_value(std::move(opened));
  if (attempt->on_opened) attempt->on_opened();
}

// On the opener's thread, which tries no more.
void abandon(Attempt& attempt) {
  if (attempt.opened.wait_for(std::chrono::seconds(0)) != std::future_status::ready) return;
  auto opened = attempt.opened.get();
  if (!opened) return;
  // The volume waits for this thread, which therefore must not have it.
  const std::shared_ptr<VolumeImpl> volume(std::shared_ptr<void>(), &attempt.volume);
  RunWriterImpl(volume, std::move(*opened), attempt.settings, nullptr).end("abandoned");
}

class RunOpeningImpl final : public RunOpening {
 public:
  RunOpeningImpl(std::shared_ptr<VolumeImpl> volume, const RunInfo& info, const RunSettings& settings,
                 RunWriter::OnOpened on_opened)
      : volume_(std::move(volume)) {
    const auto last_try = std::chrono::steady_clock::now() + std::chrono::milliseconds(settings.busy_ms);
    attempt_.reset(new Attempt{*volume_, info, settings, last_try, std::move(on_opened), {}, {}, {}});
    attempt_->settings.file_ms = std::max(settings.file_ms, kLeastFileMs);
    attempt_->opened = attempt_->promise.get_future();
    volume_->opener().post([attempt = attempt_] { try_to_open(attempt); });
  }
  ~RunOpeningImpl() override {
    if (!attempt_->opened.valid()) return;
    attempt_->unwanted = true;
    volume_->opener().post([attempt = attempt_] { abandon(*attempt); });
  }
  bool wait_ms(int64_t ms) override {
    return attempt_->opened.wait_for(std::chrono::milliseconds(ms)) == std::future_status::ready;
  }
  Result<std::unique_ptr<RunWriter>> take(RunWriter::OnRecord on_record) override {
    auto opened = attempt_->opened.get();
    if (!opened) return Unexpected(opened.error());
    return std::unique_ptr<RunWriter>(std::make_unique<RunWriterImpl>(
        volume_, std::move(*opened), attempt_->settings, std::move(on_record)));
  }

 private:
  const std::shared_ptr<VolumeImpl> volume_;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace

std::unique_ptr<RunOpening> RunWriter::open(std::shared_ptr<Volume> volume, const RunInfo& info,
                                            const RunSettings& settings, OnOpened on_opened) {
  // Volume::open() is the only maker.
  return std::make_unique<RunOpeningImpl>(std::static_pointer_cast<VolumeImpl>(std::move(volume)), info,
                                          settings, std::move(on_opened));
}

}  // namespace headgate::store
