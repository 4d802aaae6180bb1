// SPDX-License-Identifier: LGPL-2.1-or-later
#include "volume.h"

#include <base/io.h>
#include <fcntl.h>
#include <store/reader.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "layout.h"
#include "recovery.h"
#include "retention.h"
#include "volume_identity.h"

namespace headgate::store {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
// Ends and full disks are committed early, but not more often than this.
constexpr auto kLeastPause = std::chrono::milliseconds(50);
constexpr auto kRemovePause = std::chrono::seconds(10);  // between two looks for media that is kept no longer

// Volumes of this process by their root's real path.
Guarded<std::map<std::string, std::weak_ptr<VolumeImpl>>>& open_volumes() {
  static Guarded<std::map<std::string, std::weak_ptr<VolumeImpl>>> volumes;
  return volumes;
}

int64_t micros(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

bool same(const VolumeSettings& a, const VolumeSettings& b) {
  return a.node == b.node && a.commit_ms == b.commit_ms && a.reserve_bytes == b.reserve_bytes &&
         a.min_free_bytes == b.min_free_bytes && a.durable == b.durable && a.keep_ms == b.keep_ms &&
         a.record_prefix == b.record_prefix;
}

}  // namespace

Result<std::shared_ptr<Volume>> Volume::open(const VolumeSettings& settings, const Clock& clock) {
  auto volume = VolumeImpl::start(settings, clock);
  if (!volume) return Unexpected(volume.error());
  return std::shared_ptr<Volume>(std::move(*volume));
}

VolumeState Volume::inspect(const VolumeSettings& given, std::optional<uint32_t> event) {
  VolumeSettings settings = given;
  // A root that is not there yet is made where its nearest parent is.
  std::error_code error;
  std::filesystem::path root = std::filesystem::absolute(given.root, error);
  while (root.has_relative_path() && ::access(root.c_str(), F_OK) != 0 && errno == ENOENT)
    root = root.parent_path();
  settings.root = root.string();
  VolumeState state = DiskSpace(settings).inspect();
  if (state.problem.empty() && event) {
    auto identity = check_identity(given.root + "/" + event_directory(*event));
    if (!identity) state.problem = identity.error().message;
  }
  return state;
}

Result<std::shared_ptr<VolumeImpl>> VolumeImpl::start(const VolumeSettings& given, const Clock& clock) {
  VolumeSettings settings = given;
  if (!valid_node_name(settings.node))
    return Unexpected(EINVAL, "node name '" + settings.node + "': 1 to 32 of a-z, 0-9, '-'");
  if (settings.commit_ms < 1) return Unexpected(EINVAL, "commit_ms must be at least 1");
  if (auto made = make_directories(settings.root); !made) return Unexpected(made.error());
  std::error_code error;
  settings.root = std::filesystem::canonical(settings.root, error).string();
  if (error) return Unexpected(error.value(), given.root + ": " + error.message());
  auto volumes = open_volumes().lock();
  std::erase_if(*volumes, [](const auto& entry) { return entry.second.expired(); });
  if (auto found = volumes->find(settings.root); found != volumes->end()) {
    if (auto volume = found->second.lock()) {
      if (!same(volume->settings(), settings))
        return Unexpected(EINVAL, settings.root + " is open in this process with other settings");
      return volume;
    }
  }
  auto root = open_file(settings.root, O_RDONLY | O_DIRECTORY);
  if (!root) return Unexpected(root.error());
  if (settings.keep_ms > 0 && !settings.durable)
    if (auto noted = note_keep(settings.root, settings.keep_ms); !noted) return Unexpected(noted.error());
  auto volume = std::make_shared<VolumeImpl>(settings, clock, std::move(*root));
  (*volumes)[settings.root] = volume;
  return volume;
}

VolumeImpl::VolumeImpl(const VolumeSettings& settings, const Clock& clock, UniqueFd root)
    : settings_(settings), clock_(clock), root_(std::move(root)), disk_(settings_) {
  space_ = disk_.measure();
  thread_ = std::thread([this] { run(); });
}

VolumeImpl::~VolumeImpl() {
  opener_.finish();  // runs that nobody waits for end; those lines are committed too
  // Whoever ends the last session does not wait for these; the next look over the volume finds them.
  recoverer_.drop_queued();
  control_.lock()->stop = true;
  wake_.notify_one();
  thread_.join();
}

void VolumeImpl::commit() {
  auto control = control_.lock();
  uint64_t mine = ++control->asked;
  wake_.notify_one();
  committed_.wait(control.mutex(), [&] { return control->done >= mine; });
}

void VolumeImpl::set_poison(int code) {
  int none = 0;
  poison_.compare_exchange_strong(none, code);
}

void VolumeImpl::report_full() {
  full_ = true;
  space_ = Space::full;
  control_.lock()->hurry = true;
  wake_.notify_one();
}

VolumeImpl::Claim VolumeImpl::claim(StationKey key) {
  auto stations = stations_.lock();
  auto [it, fresh] = stations->try_emplace(key);
  if (fresh) return {};
  if (!it->second.ended) return {true, std::nullopt};
  Claim claim{false, std::move(it->second.ended)};
  it->second = {};
  return claim;
}

void VolumeImpl::release(StationKey key, std::optional<Continuation> previous) {
  if (!previous) {
    stations_.lock()->erase(key);
    return;
  }
  const std::string run = previous->run;
  (*stations_.lock())[key] = {run, std::move(previous)};
  // The run may have been committed meanwhile, when drop_finished() found no entry of it: then the disk knows
  // where the station stands, and the others that have it later do not tell this process.
  if (std::ranges::none_of(control_.lock()->runs,
                           [&](const OpenRun& open) { return open.name == run && open.station == key; }))
    stations_.lock()->erase(key);
}

void VolumeImpl::add(StationKey key, const std::string& run, std::shared_ptr<RunLog> log) {
  (*stations_.lock())[key].run = run;
  control_.lock()->runs.push_back({key, run, std::move(log)});
}

void VolumeImpl::ended(StationKey key, Continuation next) {
  (*stations_.lock())[key].ended = std::move(next);
  control_.lock()->hurry = true;
  wake_.notify_one();
}

void VolumeImpl::recover_later(std::string directory, UniqueFd chain) {
  // A job can be copied, a lock cannot.
  auto lock = std::make_shared<UniqueFd>(std::move(chain));
  recoverer_.post([this, directory = std::move(directory), lock] {
    // What cannot be recovered now (a full disk) is found again by the next look over the volume.
    RecoverySummary summary;
    (void)recover_locked(directory, std::move(*lock), settings_.node, summary);
  });
}

Result<std::string> VolumeImpl::identity(uint32_t event) {
  if (auto known = identities_.find(event); known != identities_.end()) return known->second;
  auto uuid = open_identity(settings_.root + "/" + event_directory(event), settings_.durable);
  if (uuid) identities_.emplace(event, *uuid);
  return uuid;
}

void VolumeImpl::run() {
  SteadyTime last{};
  for (bool stop = false; !stop;) {
    uint64_t asked = 0;
    bool all = false;
    {
      auto control = control_.lock();
      SteadyTime due = std::chrono::steady_clock::now() + std::chrono::milliseconds(settings_.commit_ms);
      while (!control->stop && control->asked == control->done) {
        SteadyTime until = control->hurry ? std::min(due, last + kLeastPause) : due;
        if (std::chrono::steady_clock::now() >= until) break;
        wake_.wait_until(control.mutex(), until);
      }
      stop = control->stop;
      asked = control->asked;
      all = stop || asked != control->done;
      control->hurry = false;
    }
    last = std::chrono::steady_clock::now();
    if (tick(all)) tick(all);
    if (!stop) remove_old_sometimes();
    control_.lock()->done = asked;
    committed_.notify_all();
  }
}

// With the recoveries, which such a volume has none of.
void VolumeImpl::remove_old_sometimes() {
  if (settings_.keep_ms <= 0 || settings_.durable) return;
  const auto now = std::chrono::steady_clock::now();
  if (removed_ && now - *removed_ < kRemovePause) return;
  removed_ = now;
  recoverer_.post([this] { remove_old(settings_.root, clock_.utc_us() - settings_.keep_ms * 1000); });
}

bool VolumeImpl::sync() {
  if (poison() != 0) return false;
  if (!settings_.durable || ::syncfs(root_.get()) == 0) return true;
  set_poison(errno);
  return false;
}

void VolumeImpl::append_lines(const std::vector<OpenRun>& runs) {
  for (const OpenRun& open : runs) {
    auto appended = open.log->append();
    if (!appended && appended.error().code == ENOSPC) {
      disk_.release_reserve();
      full_ = true;
      appended = open.log->append();
    }
    // A chain that cannot be written for want of room waits for it; anything else is a broken disk.
    if (!appended && appended.error().code != ENOSPC) set_poison(appended.error().code);
  }
}

void VolumeImpl::settle(const std::vector<OpenRun>& runs) {
  for (const OpenRun& open : runs)
    if (auto settled = open.log->settle(settings_.durable); !settled) set_poison(settled.error().code);
}

void VolumeImpl::abandon(const std::vector<OpenRun>& runs) {
  // What the broken disk does not take of this has nowhere else to go.
  for (const OpenRun& open : runs) (void)open.log->abandon(poison());
}

// Media, then chain: a line never describes bytes that are not on disk (docs/archive.md, commit). One sync
// makes this second's media durable and the lines of the second before, whose heads a node log will attest
// then. True: another tick at once would make lines durable that should not wait, `all` or those of runs that
// have ended.
bool VolumeImpl::tick(bool all) {
  const SteadyTime began = std::chrono::steady_clock::now();
  if (full_.exchange(false)) disk_.release_reserve();
  space_ = disk_.measure();
  std::vector<OpenRun> runs = control_.lock()->runs;
  bool dirty = false;
  for (const OpenRun& open : runs) dirty = open.log->take() || dirty;
  append_lines(runs);
  dirty = dirty || std::ranges::any_of(runs, [](const OpenRun& open) { return open.log->appended(); });
  if (poison() == 0 && (!dirty || sync()))
    settle(runs);
  else
    abandon(runs);
  note_commit(began, dirty);
  drop_finished(runs);
  return poison() == 0 && std::ranges::any_of(runs, [all](const OpenRun& open) {
           return open.log->waiting() && (all || open.log->ended());
         });
}

void VolumeImpl::note_commit(SteadyTime began, bool dirty) {
  if (poison() != 0) return;
  auto commits = commits_.lock();
  commits->good = began;
  if (dirty) commits->durations.add(micros(std::chrono::steady_clock::now() - began));
}

CommitStats VolumeImpl::commits() const {
  const bool idle = control_.lock()->runs.empty();
  auto commits = commits_.lock();
  return {commits->durations, idle ? 0 : micros(std::chrono::steady_clock::now() - commits->good)};
}

void VolumeImpl::drop_finished(const std::vector<OpenRun>& runs) {
  for (const OpenRun& open : runs) {
    if (!open.log->finished(poison() != 0)) continue;
    open.log->close();
    std::erase_if(control_.lock()->runs, [&](const OpenRun& other) { return other.log == open.log; });
    auto stations = stations_.lock();
    auto station = stations->find(open.station);
    if (station != stations->end() && station->second.run == open.name) stations->erase(station);
  }
}

}  // namespace headgate::store
