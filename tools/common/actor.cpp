// SPDX-License-Identifier: LGPL-2.1-or-later
#include "actor.h"

#include <base/io.h>
#include <pwd.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

namespace headgate::tools {
namespace {

constexpr size_t kMaxProcBytes = 64;

struct FileClose {
  void operator()(FILE* file) const { std::fclose(file); }
};

// /proc/PID/NAME without the line's end; empty: it cannot be read.
std::string proc_word(int pid, const char* name) {
  auto content = read_file("/proc/" + std::to_string(pid) + "/" + name, kMaxProcBytes);
  if (!content) return "";
  std::string out(as_text(*content));
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

// The user who has logged in; `otherwise`: nobody has, or the kernel does not tell.
uint32_t login_of(int pid, uint32_t otherwise) {
  const std::string text = proc_word(pid, "loginuid");
  uint32_t uid = UINT32_MAX;
  std::from_chars(text.data(), text.data() + text.size(), uid);
  return uid == UINT32_MAX ? otherwise : uid;
}

Actor actor_of_process(int pid, uint32_t uid, std::string from) {
  const uint32_t login = pid > 1 ? login_of(pid, uid) : uid;
  from += " uid=" + std::to_string(uid);
  if (login != uid) from += " login=" + std::to_string(login);
  return {user_name(login), std::move(from), ""};
}

}  // namespace

std::string user_name(uint32_t uid, const std::string& path) {
  const std::unique_ptr<FILE, FileClose> file(std::fopen(path.c_str(), "re"));
  std::array<char, 4096> buffer;
  passwd entry{};
  passwd* found = nullptr;
  while (file && ::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0)
    if (found->pw_uid == uid) return std::string(found->pw_name).substr(0, kMaxActorBytes);
  return "uid " + std::to_string(uid);
}

Actor actor_of_peer(int socket, const std::string& way) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return {"", way, ""};
  return actor_of_process(peer.pid, peer.uid, way);
}

Actor actor_of_signal(const SignalInfo& signal) {
  const std::string way = std::string("SIG") + ::sigabbrev_np(signal.number);
  if (!signal.from_process) return {"", way, ""};
  Actor out = actor_of_process(signal.pid, signal.uid, way);
  if (signal.pid > 0) out.from += " pid=" + std::to_string(signal.pid);
  if (signal.pid == 1)
    if (const std::string name = proc_word(1, "comm"); !name.empty()) out.by = name;
  return out;
}

}  // namespace headgate::tools
