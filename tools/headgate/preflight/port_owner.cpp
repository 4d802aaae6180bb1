// SPDX-License-Identifier: LGPL-2.1-or-later
#include "port_owner.h"

#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

constexpr int kListening = 0x0A;  // TCP_LISTEN, as /proc/net/tcp has it
constexpr int kHexadecimal = 16;

// Inodes of the sockets that are bound to the port.
std::set<std::string> sockets_at(const Machine& machine, int port, bool udp) {
  std::set<std::string> out;
  for (const char* table : {udp ? "net/udp" : "net/tcp", udp ? "net/udp6" : "net/tcp6"}) {
    std::istringstream lines(machine.proc_text(table));
    for (std::string line; std::getline(lines, line);) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      std::istringstream words(line);
      std::string number, local, remote, state, word, inode;
      words >> number >> local >> remote >> state;
      for (int i = 0; i < 5; ++i) words >> word;
      words >> inode;
      const size_t colon = local.rfind(':');
      if (colon == std::string::npos || number == "sl") continue;
      if (std::stoi(local.substr(colon + 1), nullptr, kHexadecimal) != port) continue;
      if (!udp && std::stoi(state, nullptr, kHexadecimal) != kListening) continue;
      out.insert("socket:[" + inode + "]");
    }
  }
  return out;
}

}  // namespace

std::string owner_of_port(const Machine& machine, int port, bool udp) {
  const std::set<std::string> sockets = sockets_at(machine, port, udp);
  if (sockets.empty()) return "";
  std::error_code error;
  for (const auto& process : fs::directory_iterator(machine.proc, error)) {
    const std::string pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& file : fs::directory_iterator(process.path() / "fd", error)) {
      std::error_code gone;
      if (sockets.count(fs::read_symlink(file.path(), gone).string()) != 0)
        return machine.proc_text(pid + "/comm") + " (pid " + pid + ")";
    }
  }
  return "";
}

}  // namespace headgate::preflight
