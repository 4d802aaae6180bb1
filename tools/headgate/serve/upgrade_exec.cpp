// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade_exec.h"

#include <base/io.h>
#include <common/listeners.h>
#include <common/options.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;

constexpr char kHeritage[] = "HEADGATE_HERITAGE";  // "lock=7 rtmp=8 http=9"
constexpr char kLock[] = "lock";
constexpr char kReadyFd[] = "--ready-fd";

// /proc files tell no size before they are read.
std::string proc_text(const std::string& path) {
  std::string out;
  auto fd = open_file(path, O_RDONLY);
  char buffer[4096];
  for (ssize_t size = 0; fd && (size = ::read(fd->get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<size_t>(size));
  return out;
}

std::vector<std::string> command_line(const std::string& pid) {
  std::vector<std::string> out;
  std::istringstream words(proc_text("/proc/" + pid + "/cmdline"));
  for (std::string word; std::getline(words, word, '\0');) out.push_back(word);
  return out;
}

bool can_run(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::string found_as(const std::string& name) {
  if (name.find('/') != std::string::npos) return can_run(name) ? fs::absolute(name).string() : "";
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name; can_run(candidate))
      return fs::absolute(candidate).string();
  return "";
}

// What the file was called that this process runs; the kernel adds a word when it has been removed.
std::string running_file() {
  constexpr std::string_view kDeleted = " (deleted)";
  std::error_code error;
  std::string out = fs::read_symlink("/proc/self/exe", error).string();
  if (out.ends_with(kDeleted)) out.resize(out.size() - kDeleted.size());
  return out;
}

std::string variable_of(const std::string& pid, const std::string& name) {
  std::istringstream all(proc_text("/proc/" + pid + "/environ"));
  for (std::string one; std::getline(all, one, '\0');)
    if (one.starts_with(name + "=")) return one.substr(name.size() + 1);
  return "";
}

bool set_close_on_exec(int fd, bool on) {
  return ::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) == 0;
}

}  // namespace

Heritage take_heritage() {
  Heritage out;
  const char* text = std::getenv(kHeritage);
  std::istringstream words(text ? text : "");
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    int fd = -1;
    if (equals == std::string::npos) continue;
    std::from_chars(word.data() + equals + 1, word.data() + word.size(), fd);
    if (fd <= STDERR_FILENO || !set_close_on_exec(fd, true)) continue;  // none of ours
    if (const std::string name = word.substr(0, equals); name == kLock)
      out.lock.reset(fd);
    else
      out.listeners.emplace_back(name, UniqueFd(fd));
  }
  ::unsetenv(kHeritage);
  return out;
}

Self own_program() {
  Self out;
  std::vector<std::string> words = command_line("self");
  if (words.empty()) return out;
  out.name = words[0];
  out.program.path = found_as(words[0]);
  if (out.program.path.empty()) out.program.path = running_file();
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == kReadyFd)
      ++i;
    else if (!words[i].starts_with(std::string(kReadyFd) + "="))
      out.program.arguments.push_back(words[i]);
  }
  return out;
}

Result<void> become(const Self& self, int lock, const std::vector<std::pair<std::string, int>>& listeners) {
  std::string heritage = std::string(kLock) + "=" + std::to_string(lock);
  bool passed = set_close_on_exec(lock, false);
  for (const auto& [name, fd] : listeners) {
    heritage += " " + name + "=" + std::to_string(fd);
    passed = passed && set_close_on_exec(fd, false);
  }
  std::vector<char*> arguments;
  arguments.push_back(const_cast<char*>(self.name.c_str()));
  for (const std::string& argument : self.program.arguments)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::setenv(kHeritage, heritage.c_str(), 1);
  if (passed) ::execv(self.program.path.c_str(), arguments.data());
  Result<void> error = errno_error("exec " + self.program.path);
  ::unsetenv(kHeritage);
  set_close_on_exec(lock, true);
  for (const auto& one : listeners) set_close_on_exec(one.second, true);
  return error;
}

std::vector<std::string> arguments_of(int pid) {
  std::vector<std::string> out = command_line(std::to_string(pid));
  if (!out.empty()) out.erase(out.begin());
  return out;
}

std::optional<std::string> input_of(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd/0";
  struct stat input {};
  if (::stat(path.c_str(), &input) != 0) return std::nullopt;
  if (!S_ISREG(input.st_mode)) return "";  // nothing that might have to be waited for
  auto content = read_file(path, tools::kMaxArgumentsFrom);
  if (!content) return std::nullopt;
  return std::string(as_text(*content));
}

bool is_as_on_disk(int pid, const Program& program) {
  struct stat running {
  }, there{};
  const std::string text = std::to_string(pid);
  if (::stat(("/proc/" + text + "/exe").c_str(), &running) != 0 || ::stat(program.path.c_str(), &there) != 0)
    return false;
  const std::vector<std::string> words = command_line(text);
  return running.st_dev == there.st_dev && running.st_ino == there.st_ino && !words.empty() &&
         variable_of(text, "LISTEN_FDNAMES") == tools::listener_names(program.listener_names) &&
         std::equal(words.begin() + 1, words.end(), program.arguments.begin(), program.arguments.end()) &&
         input_of(pid) == program.input;
}

void collect_ended_children() {
  siginfo_t info{};
  do info.si_pid = 0;
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0);
}

}  // namespace headgate::serve
