// SPDX-License-Identifier: LGPL-2.1-or-later
// Whose input makes a worker take too much. Its memory and processor time are all its stations' together, so
// that none of them can be told from the others there. Those that were on two workers which were ended for
// the same excess are set apart, in small groups with a worker each; the group whose worker is ended for it
// again is set apart in the same way, until a station was alone. Nobody else is ever found to be the one.
// Where workers are wanting, those groups are dissolved first whose worker has not taken too much for the
// longest: who leaks fastest is found first, and then the others.
// Knows no processes and no clock: times are CLOCK_BOOTTIME in ms and never go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <wire/messages.h>

#include "sightings.h"

namespace headgate::serve {

using Station = std::pair<uint32_t, uint32_t>;  // event, station

struct SuspectRules {
  int ends = 2;                   // or more, of workers shared with others for one excess within `within_ms`
  int64_t within_ms = 3'600'000;  // and so long a group stays apart whose worker does not take too much
  size_t groups = 8;              // that the stations of one worker make
  size_t workers = 16;            // of all groups; at least 2
};

// Some that share a worker with nobody else.
struct Group {
  std::vector<Station> stations;
  size_t made_of = 0;  // so many; who was released since may still have a session on its worker
  int ends = 0;        // of workers that they were on before
  int64_t since_ms = 0;
};

class Suspects {
 public:
  struct Found {
    std::optional<Station> guilty;
    int ends = 0;                      // of workers that the guilty, or those set apart, were on
    size_t stations = 0, workers = 0;  // set apart now: in so many workers
    size_t together = 0;               // stations of the groups that were dissolved for it
  };

  explicit Suspects(SuspectRules rules = {}) : rules_(rules), seen_(rules.within_ms) {}

  // A worker is ended for an excess of this kind (memory, cpu, …), with the sessions of these stations.
  // `next_worker`: a number for a worker of somebody's own that is not among these; called for each.
  Found ended(uint32_t worker, const std::string& kind, const std::vector<Station>& present, int64_t now_ms,
              const std::function<uint32_t()>& next_worker);
  // Time has passed: how many stations may share a worker again, because their group's took no more than it
  // may.
  size_t look(int64_t now_ms);
  // It begins anew: what was seen of it is forgotten. False: it is not among them.
  bool release(Station station);

  bool is_apart(Station station) const;
  bool has(uint32_t worker) const { return groups_.count(worker) != 0; }
  std::vector<uint32_t> workers() const;
  std::vector<wire::Suspect> stations() const;  // for the gate
  const std::map<uint32_t, Group>& groups() const { return groups_; }
  int64_t until_ms(const Group& group) const { return group.since_ms + rules_.within_ms; }

 private:
  struct Search {
    std::vector<Station> stations;
    int64_t since_ms = 0;  // since then the one among them has taken too much
    size_t least = 0;      // groups that it gets, whoever else is apart
  };
  void set_apart(Search search, int64_t now_ms, const std::function<uint32_t()>& next_worker, Found& found);
  size_t make_room(const Search& search);  // how many stations the groups had that are dissolved
  size_t dissolve_quietest();
  size_t apart() const;  // stations

  const SuspectRules rules_;
  Sightings<std::pair<std::string, Station>> seen_;  // on workers that were ended, by kind
  std::map<uint32_t, Group> groups_;                 // by worker; at most rules_.workers
};

}  // namespace headgate::serve
