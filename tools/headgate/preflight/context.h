// SPDX-License-Identifier: LGPL-2.1-or-later
// What the checks know: the node's settings, the node that runs with them if there is one, what is planned,
// and how the checks before ended.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <base/result.h>

#include "../serve/config.h"
#include "machine.h"
#include "outcome.h"

namespace headgate::preflight {

// What the day will bring. Without streams nothing is compared with it.
struct Plan {
  int64_t streams = 0, kbps = 1500;
  int64_t begins = 0;  // Unix seconds
  int64_t hours = 0;
  bool any() const { return streams > 0; }
  double bytes_per_second() const { return static_cast<double>(streams * kbps) * 125; }  // received
  int64_t ends() const { return begins + hours * 3600; }
  std::string text() const;  // "400 streams of 1500 kbit/s for 14 h"
};

// Who the service is: files are its, and what it may not read it does not find.
struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::string name;
};

// A node that answers, and says that it has this data folder.
struct RunningNode {
  std::string socket;                                  // HTTP, for whoever may know everything
  std::map<std::string, std::string> listen;           // HOST:PORT[,PORT...] of "http", "rtmp", …
  std::vector<std::pair<std::string, int>> processes;  // role, pid
  // Which keys its gate holds tickets against (ticket::kids_of(), digest_of()), and why not those that are in
  // its folder; empty: it does not say, nothing.
  std::string kids, keys_digest, keys_problem;
  int pid_of(const std::string& role) const;  // of one of them; 0: there is none
};

struct Context {
  Machine machine;
  serve::Config config;
  Plan plan;
  std::string tickets;      // a folder, a file, or empty
  std::string test_ticket;  // a file or a text, or empty
  std::string issuer;       // a folder of keys, or empty
  bool keep = false;        // what the synthetic publisher has recorded

  std::optional<RunningNode> node;
  std::optional<Account> account;  // another one than this process's
  std::map<std::string, Level> done;
  // What checks found for those behind them.
  std::set<std::string> decoders;  // "H.264": GStreamer has one
  bool ladder = false;             // the pipeline encodes renditions

  // Where the data folder lies: itself, or what it will be made in.
  std::string volume() const;
  bool failed(const std::string& check) const;
  // A line for a person who waits; overwritten by the next.
  std::function<void(const std::string& text)> progress = [](const std::string&) {};
};

// The node with these settings, if it runs. The error is that of a node which is there and does not answer.
Result<std::optional<RunningNode>> find_node(const serve::Config& config);
// Of whom the data folder is, when this process may be anybody and is not already he.
std::optional<Account> account_of(const std::string& volume);
// Whether the account (or this process) may do what `mode` says, as access(2); errno otherwise.
int access_as(const std::optional<Account>& account, const std::string& path, int mode);

// "12.3 GB", "1.5 TB": decimal, as disks are sold.
std::string bytes_text(double bytes);

}  // namespace headgate::preflight
