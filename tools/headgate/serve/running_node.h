// SPDX-License-Identifier: LGPL-2.1-or-later
// What of a node stays as it is while it runs, whatever its settings say: where its data and sockets are,
// what it is called, whose keys it has, on which addresses it listens. The supervisor tells it to the trial
// of what is on disk (trial.h) in a variable of the environment, which programs of other versions pass over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config.h"

namespace headgate::serve {

inline constexpr int64_t kUntoldTrialMs = 60'000;

struct RunningNode {
  std::string data, runtime_dir, node;
  uint32_t event = 0;
  // By option ("rtmp"): HOST:PORT[,PORT...] as bound; without those that it does not listen on.
  std::map<std::string, std::string> listens;
  int64_t trial_ms = kUntoldTrialMs;  // that the supervisor waits for the trial; not told: by an older one
};

// NAME=VALUE for the environment of a trial.
std::string variable_of(const RunningNode& node);
// Of who runs this trial; nothing: nobody does. Takes it out of the environment.
std::optional<RunningNode> take_running_node();

// What of `config` that node cannot take over while it runs, a line each, with what to do. Addresses that it
// does not have yet are tried: opened and closed again.
std::vector<std::string> not_while_it_runs(const RunningNode& node, const Config& config);

// Options of listeners and what they are set to.
std::map<std::string, std::string> listeners_in(const Config& config);

// Whether the sockets bound to `bound` (HOST:PORT[,PORT...]) are what `setting` asks for. A port 0 in it is
// any port. False also when the setting's host is none of this machine's.
bool is_listening_as(const std::string& bound, const std::string& setting);

}  // namespace headgate::serve
