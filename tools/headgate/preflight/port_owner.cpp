// SPDX-License-Identifier: LGPL-2.1-or-later
#include "port_owner.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <vector>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

constexpr int kListening = 0x0A;  // TCP_LISTEN, as /proc/net/tcp has it
constexpr int kHexadecimal = 16;

struct BoundSocket {
  std::string link;  // "socket:[INODE]", as /proc/PID/fd has it
  int port = 0;
  bool listens = false;
};

std::vector<BoundSocket> bound_sockets(const Machine& machine, bool udp) {
  std::vector<BoundSocket> out;
  for (const char* table : {udp ? "net/udp" : "net/tcp", udp ? "net/udp6" : "net/tcp6"}) {
    // Of a node with thousands of connections it is larger than what Machine reads.
    std::ifstream lines(machine.proc + "/" + table);
    for (std::string line; std::getline(lines, line);) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      std::istringstream words(line);
      std::string number, local, remote, state, word, inode;
      words >> number >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) words >> word;
      words >> inode;
      const size_t colon = local.rfind(':');
      if (colon == std::string::npos || number == "sl") continue;
      out.push_back({"socket:[" + inode + "]", std::stoi(local.substr(colon + 1), nullptr, kHexadecimal),
                     std::stoi(state, nullptr, kHexadecimal) == kListening});
    }
  }
  return out;
}

// What the process's descriptors are; nothing of one that is gone, or goes meanwhile.
std::set<std::string> descriptors_of(const Machine& machine, const std::string& pid) {
  std::set<std::string> out;
  std::error_code error;
  for (fs::directory_iterator at(fs::path(machine.proc) / pid / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code closed;
    out.insert(fs::read_symlink(at->path(), closed).string());
  }
  return out;
}

}  // namespace

std::string owner_of_port(const Machine& machine, int port, bool udp) {
  std::set<std::string> wanted;
  for (const BoundSocket& one : bound_sockets(machine, udp))
    if (one.port == port && (udp || one.listens)) wanted.insert(one.link);
  if (wanted.empty()) return "";
  std::error_code error;
  for (fs::directory_iterator at(machine.proc, error), end; !error && at != end; at.increment(error)) {
    const std::string pid = at->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto own = descriptors_of(machine, pid);
    if (std::any_of(wanted.begin(), wanted.end(),
                    [&](const std::string& link) { return own.count(link) != 0; }))
      return machine.proc_text(pid + "/comm") + " (pid " + pid + ")";
  }
  return "";
}

std::set<int> ports_of(const Machine& machine, pid_t process, bool udp) {
  const auto own = descriptors_of(machine, std::to_string(process));
  std::set<int> out;
  for (const BoundSocket& one : bound_sockets(machine, udp))
    if (own.count(one.link) != 0) out.insert(one.port);
  return out;
}

}  // namespace headgate::preflight
