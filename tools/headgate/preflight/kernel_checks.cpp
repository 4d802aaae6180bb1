// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits of the kernel, held against what the node's settings allow.
#include <common/listeners.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "../serve/room.h"
#include "checks.h"

namespace headgate::preflight {
namespace {

// Descriptors (docs/scale.md, docs/node.md): five of each session in its worker, two of each viewer in the
// origin, which keeps 2,048 files open besides; three of each relayed session in the gate, which lets 5,000
// strangers in.
constexpr int64_t kOfSession = 5, kOfViewer = 2, kOfRelay = 3;
constexpr int64_t kOriginFiles = 2048, kStrangers = 5000, kOfProcess = 64;
// A worker's threads: its own, GStreamer's, encoders of a ladder.
constexpr int64_t kThreadsOfWorker = 32, kThreadsOfOthers = 64;
// Of one SRT port: libsrt's own buffer is no larger, and a second of 400 streams is 75 MB.
constexpr int64_t kReceiveBuffer = 4 << 20;
// What the gate asks for between itself and a session's worker (srt/listener.cpp).
constexpr int64_t kRelayBuffer = 1 << 20;
constexpr int64_t kSynBacklog = 512;

struct Limit {
  int64_t soft = 0, hard = 0;
};

std::string limit_text(int64_t limit) {
  return limit == INT64_MAX ? "no limit" : std::to_string(limit);
}

int64_t limit_of(const std::string& word) {
  int64_t value = INT64_MAX;  // "unlimited"
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

// Of a process; of this one, whose children inherit it, where there is none.
Limit open_files_of(const Machine& machine, int pid) {
  if (pid == 0) {
    rlimit own{};
    ::getrlimit(RLIMIT_NOFILE, &own);
    auto number = [](rlim_t value) {
      return value == RLIM_INFINITY ? INT64_MAX : static_cast<int64_t>(value);
    };
    return {number(own.rlim_cur), number(own.rlim_max)};
  }
  std::istringstream lines(machine.proc_text(std::to_string(pid) + "/limits"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("Max open files")) continue;
    std::istringstream words(line.substr(sizeof "Max open files" - 1));
    std::string soft, hard;
    words >> soft >> hard;
    return {limit_of(soft), limit_of(hard)};
  }
  return {INT64_MAX, INT64_MAX};  // it has just ended
}

// With those that are kept free.
int64_t workers_for(const Context& context) {
  const int64_t capacity = context.config.capacity;
  const int64_t full = (context.plan.streams + capacity - 1) / capacity;
  const int64_t free = std::max<int64_t>(1, (serve::kLeastFree + capacity - 1) / capacity);
  return std::clamp(full + free, context.config.workers, context.config.max_workers);
}

// "32768 60999" holds the port, and it is not among the reserved ("8080,9000-9010").
bool is_ephemeral(const Machine& machine, int64_t port) {
  int64_t first = 0, last = 0;
  std::istringstream(machine.proc_text("sys/net/ipv4/ip_local_port_range")) >> first >> last;
  if (port < first || port > last) return false;
  std::istringstream reserved(machine.proc_text("sys/net/ipv4/ip_local_reserved_ports"));
  for (std::string range; std::getline(reserved, range, ',');) {
    int64_t from = 0, to = 0;
    const size_t dash = range.find('-');
    std::from_chars(range.data(), range.data() + range.size(), from);
    to = from;
    if (dash != std::string::npos) std::from_chars(range.data() + dash + 1, range.data() + range.size(), to);
    if (port >= from && port <= to) return false;
  }
  return true;
}

}  // namespace

Outcome check_open_files(Context& context) {
  const serve::Config& config = context.config;
  const bool relays = !config.rtmps.empty() || !config.srt.empty();
  const struct {
    const char* role;
    int64_t needed;
    bool raises;  // its soft limit to the hard one
  } kNeeds[] = {
      {"worker", config.capacity * kOfSession + kOfProcess, false},
      {"origin", config.max_connections * kOfViewer + kOriginFiles + kOfProcess, true},
      {"gate",
       kStrangers + kOfProcess + (relays ? kOfRelay * std::max(context.plan.streams, config.capacity) : 0),
       true},
  };
  Outcome out;
  for (const auto& need : kNeeds) {
    const Limit limit = open_files_of(context.machine, context.node ? context.node->pid_of(need.role) : 0);
    const int64_t have = need.raises ? limit.hard : limit.soft;
    out.measured += (out.measured.empty() ? "" : ", ") + std::string(need.role) + " " +
                    std::to_string(need.needed) + " of " + limit_text(have);
    if (have < need.needed)
      out.fail("the " + std::string(need.role) + " may need " + std::to_string(need.needed) +
                   " open files, and may have " + limit_text(have),
               need.raises ? "raise the hard limit (LimitNOFILE= in the unit; ulimit -Hn)"
                           : "raise the limit (LimitNOFILE= in the unit; ulimit -n), or lower --capacity");
  }
  return out;
}

Outcome check_sockets(Context& context) {
  const Machine& machine = context.machine;
  Outcome out;
  auto at_least = [&](const char* name, const char* file, int64_t least, const char* why) {
    const auto value = machine.proc_number(file);
    if (!value) return;
    out.measured += (out.measured.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(*value);
    if (*value < least)
      out.warn(std::string(name) + " is " + std::to_string(*value) + ": " + why,
               "sysctl -w " + std::string(name) + "=" + std::to_string(least) +
                   ", and in /etc/sysctl.d to keep it");
  };
  at_least("net.core.somaxconn", "sys/net/core/somaxconn", tools::kListenBacklog,
           "when all come at once some are not heard");
  at_least("net.ipv4.tcp_max_syn_backlog", "sys/net/ipv4/tcp_max_syn_backlog", kSynBacklog,
           "when all come at once some are not heard");
  if (!context.config.srt.empty()) {
    at_least("net.core.rmem_max", "sys/net/core/rmem_max", kReceiveBuffer,
             "the SRT port loses packets whenever the gate is held up");
    at_least("net.core.wmem_max", "sys/net/core/wmem_max", kRelayBuffer,
             "of an SRT publisher above 9 Mbit/s packets are lost between gate and worker");
  }
  auto ports = [&](const std::string& address) {
    for (const std::string& one : tools::addresses_of(address)) {
      int64_t port = 0;
      const size_t colon = one.rfind(':');
      std::from_chars(one.data() + colon + 1, one.data() + one.size(), port);
      if (port > 0 && is_ephemeral(machine, port) && !context.node)
        out.warn(
            "port " + std::to_string(port) +
                " is among those that the kernel gives to outgoing connections, and may be taken at start",
            "sysctl -w net.ipv4.ip_local_reserved_ports=" + std::to_string(port) + ", or take a lower one");
    }
  };
  for (const std::string& address :
       {context.config.rtmp, context.config.rtmps, context.config.http, context.config.srt})
    ports(address);
  return out;
}

Outcome check_processes(Context& context) {
  const int64_t needed = workers_for(context) * kThreadsOfWorker + kThreadsOfOthers;
  Outcome out;
  out.measured = "about " + std::to_string(needed) + " threads";
  auto limit = [&](const std::string& name, std::optional<int64_t> value, const std::string& to_do) {
    if (!value) return;
    out.measured += ", " + name + " " + std::to_string(*value);
    if (*value < needed)
      out.fail(name + " is " + std::to_string(*value) + ", about " + std::to_string(needed) +
                   " threads may be needed",
               to_do);
  };
  limit("kernel.threads-max", context.machine.proc_number("sys/kernel/threads-max"),
        "sysctl -w kernel.threads-max=" + std::to_string(needed * 4));
  limit("kernel.pid_max", context.machine.proc_number("sys/kernel/pid_max"),
        "sysctl -w kernel.pid_max=" + std::to_string(needed * 4));
  limit("pids.max", context.machine.cgroup_limit("pids.max"),
        "TasksMax=infinity in the unit (or the container's limit of processes)");
  return out;
}

}  // namespace headgate::preflight
