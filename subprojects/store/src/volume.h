// SPDX-License-Identifier: LGPL-2.1-or-later
// The volume behind store/run_writer.h. What waits for the disk is done by three threads for each volume and
// process: one commits each second, one opens runs, one recovers what others left behind; none of them waits
// for another. Lock order: none is held while another is taken.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <base/guarded.h>
#include <store/run_writer.h>

#include "disk_space.h"
#include "job_thread.h"
#include "records.h"
#include "run_log.h"

namespace headgate::store {

using StationKey = std::pair<uint32_t, uint32_t>;  // event, station

class VolumeImpl final : public Volume {
 public:
  static Result<std::shared_ptr<VolumeImpl>> start(const VolumeSettings& settings, const Clock& clock);
  VolumeImpl(const VolumeSettings& settings, const Clock& clock, UniqueFd root);
  ~VolumeImpl() override;

  Space space() const override { return space_.load(std::memory_order_relaxed); }
  bool broken() const override { return poison() != 0; }
  CommitStats commits() const override;
  void commit() override;

  const VolumeSettings& settings() const { return settings_; }
  const Clock& clock() const { return clock_; }
  // errno of the first failed write or sync; 0: none. Never 0 again.
  int poison() const { return poison_.load(std::memory_order_relaxed); }
  void set_poison(int code);
  // A write found the disk full.
  void report_full();

  // The station is this process's from claim() to release() or, once its run was added, until that run's last
  // line is written. Continuation: of a run that ended here and is not all written yet.
  struct Claim {
    bool busy = false;
    std::optional<Continuation> previous;
  };
  Claim claim(StationKey station);
  void release(StationKey station, std::optional<Continuation> previous);
  void add(StationKey station, const std::string& run, std::shared_ptr<RunLog> log);
  void ended(StationKey station, Continuation next);

  JobThread& opener() { return opener_; }
  // A crashed run whose lock this process holds.
  void recover_later(std::string directory, UniqueFd chain);
  // lta/<event>/VOLUME.json's uuid. An event's first run in this process makes the file, or counts an
  // opening. On the opener's thread.
  Result<std::string> identity(uint32_t event);

 private:
  struct Station {
    std::string run;                    // empty while it is being opened
    std::optional<Continuation> ended;  // its run has ended
  };
  struct OpenRun {
    StationKey station;
    std::string name;
    std::shared_ptr<RunLog> log;
  };
  struct Control {
    bool stop = false;
    bool hurry = false;  // something ended: do not wait for the whole second
    uint64_t asked = 0, done = 0;
    std::vector<OpenRun> runs;
  };
  struct Committed {
    Histogram durations;
    // When the last one that went well began.
    std::chrono::steady_clock::time_point good = std::chrono::steady_clock::now();
  };

  void run();
  void remove_old_sometimes();
  bool tick(bool all);
  bool sync();
  void append_lines(const std::vector<OpenRun>& runs);
  void settle(const std::vector<OpenRun>& runs);
  void abandon(const std::vector<OpenRun>& runs);
  void note_commit(std::chrono::steady_clock::time_point began, bool dirty);
  void drop_finished(const std::vector<OpenRun>& runs);

  const VolumeSettings settings_;
  const Clock& clock_;
  const UniqueFd root_;
  DiskSpace disk_;  // of the thread, once it runs
  std::atomic<Space> space_{Space::good};
  std::atomic<int> poison_{0};
  std::atomic<bool> full_{false};
  Guarded<std::map<StationKey, Station>> stations_;
  std::map<uint32_t, std::string> identities_;  // by event; of the opener's thread
  mutable Guarded<Control> control_;
  mutable Guarded<Committed> commits_;
  std::condition_variable wake_, committed_;
  std::optional<std::chrono::steady_clock::time_point> removed_;  // when last looked for what is old
  std::thread thread_;
  JobThread recoverer_, opener_;
};

}  // namespace headgate::store
