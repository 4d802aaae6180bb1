// SPDX-License-Identifier: LGPL-2.1-or-later
// What a node is told: embedded defaults, a file, the command line; the later wins. docs/node.md has the
// table.
#pragma once

#include <common/options.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <base/result.h>

#include "capacity.h"
#include "guard.h"

namespace headgate::serve {

struct Config {
  std::string data;            // absolute; holds lta/ (the archive) and run/
  std::string runtime_dir;     // absolute; sockets, node.json
  std::string keys;            // absolute
  bool issuer_secret = false;  // lies in `keys`, where no node needs it
  std::string open_secret;     // file of settings with secrets that everybody can read; empty: it is none
  std::string keys_problem;    // with their folder, of a node that was taken over; empty: none
  std::string node;
  uint32_t event = 0;  // of the keys
  std::string rtmp, http;
  std::string control, control_tokens;      // empty: operators ask over the Unix socket alone; absolute
  std::vector<std::string> webhooks;        // addresses
  std::string webhook_secret;               // absolute
  std::string webhook_severity;             // from which on
  std::string rtmps;                        // empty: none
  std::string tls_certificate, tls_key;     // absolute; empty: none
  std::string rtmp_proxies, rtmps_proxies;  // networks; empty: no PROXY headers
  std::string endpoints;                    // with commas; empty: devices cannot prove their keys
  std::string addresses;                    // absolute; empty: all may publish
  std::string revoked;                      // absolute; empty: no ticket is
  std::string srt;                          // empty: none; may name several ports
  int64_t srt_latency_ms = 0;
  int64_t workers = 1, max_workers = 1, capacity = 50;
  std::string pipeline, pipelines;      // the latter absolute
  std::string instances;                // absolute; folder of pipelines of the node's own; empty: none
  std::vector<std::string> parameters;  // NAME=VALUE for descriptions
  int64_t window_s = 0, playlist_s = 0, grace_s = 0;
  int64_t rung_mpixels = 0, rungs_per_worker = 0;  // encoded on demand: of the node, a second; at a time
  int64_t metrics_per_stream = 0;                  // 1: of each station
  int64_t max_connections = 0, max_connections_per_address = 0;  // of viewers; the latter 0: no limit
  CapacityLimits capacity_limits;
  WorkerLimits worker_limits;
  bool check = false;     // nothing is run: whether it could be
  int64_t ready_fd = -1;  // a line is written to it when the node serves; -1: none
};

// The options of `headgate serve` on the command line of a program that may have others.
class ConfigOptions {
 public:
  void add_to(tools::Options& options);  // which this outlives
  // After they were parsed. `file`: settings where no --config was given; empty: none. The keys are not
  // looked at: Config::event is 0.
  Result<Config> read(const std::string& file = "") const;
  bool any() const { return !file_.empty() || !given_.empty() || !parameters_.empty(); }
  static std::string file_help();  // for --help: what the settings are called in the file

 private:
  std::map<std::string, std::string> given_;  // by option
  std::vector<std::string> parameters_;
  std::string file_;
};

// What the description `name` in that folder says that a stream may cost; the rest as it was. Of one that is
// wrong: what it says when it says nothing.
void take_resources(const std::string& folder, const std::string& name, WorkerLimits& limits);

// Of `headgate serve`, but for what the keys say (node_keys.h). --help prints and ends the program.
Result<Config> read_config(int argc, char** argv);

}  // namespace headgate::serve
