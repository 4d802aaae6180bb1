// SPDX-License-Identifier: LGPL-2.1-or-later
// Input that ends workers is kept away from its neighbours: a station for which a worker was at work when it
// died, twice within ten minutes, or which alone makes one take too much (suspects.h), gets a worker of its
// own; when that ends again and again as well, the station is refused, each time longer. It ends by itself
// after some quiet, or when an operator says so.
// Knows no processes and no clock: times are CLOCK_BOOTTIME in ms and never go back.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <base/result.h>
#include <wire/marks.h>
#include <wire/messages.h>

#include "sightings.h"
#include "suspects.h"

namespace headgate::serve {

struct QuarantineRules {
  int deaths = 2;  // of workers shared with others, within `within_ms`
  int64_t within_ms = 600'000;
  int own_deaths = 3;  // of workers that it has alone; from the last of them on each refuses it
  int64_t first_refusal_ms = 60'000, max_refusal_ms = 3'600'000;  // doubled each time
  int64_t over_ms = 1'800'000;                                    // without a death
};

inline constexpr size_t kNamedApart = 100;

// What has become of a station, or (apart, together) of some that are not blamed for anything.
struct Ruling {
  enum class What { isolated, died_alone, refused, released, no_room, apart, together } what = What::isolated;
  Station station;
  uint32_t worker = 0;               // its own; apart: that which they were on
  int deaths = 0;                    // since its first, all workers
  int64_t for_ms = 0;                // of a refusal
  size_t stations = 0, workers = 0;  // apart: so many, in so many; together: so many
};

class Quarantine {
 public:
  // Whether a process has the number of a worker of somebody's own, though nobody here is known to have it:
  // one that ends with what it still has.
  using IsTaken = std::function<bool(uint32_t worker)>;

  explicit Quarantine(QuarantineRules rules = {}, IsTaken is_taken = {})
      : rules_(rules), is_taken_(std::move(is_taken)), seen_(rules.within_ms) {}

  // Whether a worker's end may be its input's: a signal that the kernel sends for what a process does itself,
  // or a kill because a thread did not come back. Any other signal came from outside (an operator, the kernel
  // for want of memory). `signal` 0: it ended by itself, or nobody knows how.
  static bool is_of_input(int signal, bool stood_still);
  // Whose media a worker was at work for: the session whose thread got the signal, else, where its end
  // `is_of_input`, those that a thread was serving.
  static std::vector<Station> suspects(const std::vector<wire::Mark>& marks, bool is_of_input);
  // Such an end. In a station's own worker it is that station's, whoever is a suspect.
  std::vector<Ruling> died(uint32_t worker, const std::vector<Station>& suspects, int64_t now_ms);
  // It is ended, with all that are `present`, because it takes too much (`kind`: memory, cpu, …).
  std::vector<Ruling> took_too_much(uint32_t worker, const std::string& kind,
                                    const std::vector<Station>& present, int64_t now_ms);
  // Time has passed.
  std::vector<Ruling> look(int64_t now_ms);
  // An operator's word. Nothing: it is not in quarantine, nor set apart.
  std::optional<Ruling> release(Station station);

  bool is_own(uint32_t worker) const;                       // a station's or a group's own, now
  std::vector<uint32_t> own_workers(int64_t now_ms) const;  // that are to run
  std::vector<wire::Isolation> isolations() const;          // for the gate, and `suspects`
  std::vector<wire::Suspect> suspects() const { return suspects_.stations(); }
  // NODE's `quarantine` and `apart`: arrays.
  std::string json(int64_t now_ms) const;
  std::string apart_json(int64_t now_ms) const;  // of each group the first kNamedApart

  // For the next supervisor of this boot, which knows nothing of suspects: it sees them anew.
  std::string save() const;
  Result<void> load(const std::string& text, int64_t now_ms);

 private:
  struct Entry {
    uint32_t worker = 0;
    int deaths = 0, own_deaths = 0, refusals = 0;
    int64_t since_ms = 0, last_ms = 0, refused_until_ms = 0;
  };
  using Entries = std::map<Station, Entry>;
  Entries::iterator of(uint32_t worker);
  uint32_t free_number() const;
  Ruling isolate(Station station, int deaths, int own_deaths, int64_t now_ms);
  Ruling died_alone(Entries::iterator found, int64_t now_ms);
  std::string reason(const Entry& entry) const;

  const QuarantineRules rules_;
  const IsTaken is_taken_;
  Sightings<Station> seen_;  // when they were suspects of a death
  Entries entries_;          // at most wire::kMaxIsolated
  Suspects suspects_;        // none of which is in entries_
};

}  // namespace headgate::serve
