// SPDX-License-Identifier: LGPL-2.1-or-later
#include "context.h"

#include <base/json.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "../operate/node_client.h"

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

constexpr char kServiceRuntimeDir[] = "/run/headgate";  // of the systemd unit
constexpr char kAdminSocket[] = "admin.sock";

RunningNode node_of(const std::string& socket, const Json& answer) {
  RunningNode out;
  out.socket = socket;
  const Json& listen = answer.at("listen");
  for (const char* name : {"http", "rtmp", "rtmps", "srt", "control"})
    if (listen.has(name)) out.listen[name] = listen.text(name);
  const Json& keys = answer.at("keys");
  out.kids = keys.text("kids");
  out.keys_digest = keys.text("digest");
  out.keys_problem = keys.text("problem");
  answer.each("processes", [&](const Json& one) {
    out.processes.emplace_back(one.text("role"), static_cast<int>(one.integer("pid")));
  });
  return out;
}

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || fs::equivalent(a, b, error);
}

}  // namespace

std::string Plan::text() const {
  return std::to_string(streams) + " streams of " + std::to_string(kbps) + " kbit/s" +
         (hours > 0 ? " for " + std::to_string(hours) + " h" : "");
}

int RunningNode::pid_of(const std::string& role) const {
  for (const auto& [name, pid] : processes)
    if (name == role) return pid;
  return 0;
}

std::string Context::volume() const {
  fs::path at = config.data;
  std::error_code error;
  while (!fs::exists(at, error) && at.has_parent_path() && at != at.parent_path()) at = at.parent_path();
  return at.string();
}

bool Context::failed(const std::string& check) const {
  const auto found = done.find(check);
  return found != done.end() && found->second == Level::fail;
}

Result<std::optional<RunningNode>> find_node(const serve::Config& config) {
  for (const std::string& folder : {config.runtime_dir, std::string(kServiceRuntimeDir)}) {
    const std::string socket = folder + "/" + kAdminSocket;
    if (::access(socket.c_str(), F_OK) != 0) continue;
    auto answer = cli::NodeClient(socket).get("/api/v1/node");
    // What a killed node leaves behind is a socket without anybody at it.
    if (!answer && answer.error().code == ECONNREFUSED) continue;
    if (!answer) return Unexpected(answer.error());
    const Json json = Json::object_of(*answer);
    if (!json.is_object()) return Unexpected(socket + ": the answer is no JSON object");
    if (same_folder(json.text("data"), config.data)) return std::optional<RunningNode>(node_of(socket, json));
  }
  return std::optional<RunningNode>();
}

std::optional<Account> account_of(const std::string& volume) {
  struct stat status {};
  if (::geteuid() != 0 || ::stat(volume.c_str(), &status) != 0 || status.st_uid == 0) return std::nullopt;
  const passwd* user = ::getpwuid(status.st_uid);
  if (!user) return std::nullopt;
  Account out{user->pw_uid, user->pw_gid, {}, user->pw_name};
  std::array<gid_t, 256> groups{};
  int count = static_cast<int>(groups.size());
  if (::getgrouplist(out.name.c_str(), out.gid, groups.data(), &count) < 0) return std::nullopt;
  out.groups.assign(groups.begin(), groups.begin() + count);
  return out;
}

int access_as(const std::optional<Account>& account, const std::string& path, int mode) {
  if (!account) return ::eaccess(path.c_str(), mode) == 0 ? 0 : errno;
  const pid_t child = ::fork();
  if (child < 0) return errno;
  if (child == 0) {
    if (::setgroups(account->groups.size(), account->groups.data()) != 0 || ::setgid(account->gid) != 0 ||
        ::setuid(account->uid) != 0)
      ::_exit(errno);
    ::_exit(::access(path.c_str(), mode) == 0 ? 0 : errno);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

std::string bytes_text(double bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB", "PB"};
  size_t unit = 0;
  bytes /= 1000;
  for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, bytes < 10 ? "%.1f %s" : "%.0f %s", bytes, kUnits[unit]);
  return text;
}

}  // namespace headgate::preflight
