// SPDX-License-Identifier: LGPL-2.1-or-later
// A program run beside the test, its output collected.
#pragma once

#include <base/io.h>
#include <base/unique_fd.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

extern char** environ;

namespace headgate::ingest::test {

inline bool is_installed(const std::string& program) {
  return ::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
    output_ = UniqueFd(pipe[0]);
    UniqueFd child_end(pipe[1]);
    ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, child_end.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, child_end.get(), 2);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  ~Program() {
    if (pid_ <= 0 || ended_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Collects output without waiting.
  bool ended() {
    collect();
    if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
      ended_ = true;
      collect();
    }
    return ended_;
  }
  bool succeeded() const { return ended_ && WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }
  const std::string& text() const { return text_; }
  pid_t pid() const { return pid_; }

 private:
  void collect() {
    std::array<char, 4096> buffer;
    ssize_t got;
    while ((got = ::read(output_.get(), buffer.data(), buffer.size())) > 0)
      text_.append(buffer.data(), static_cast<size_t>(got));
  }

  pid_t pid_ = -1;
  int status_ = 0;
  bool ended_ = false;
  UniqueFd output_;
  std::string text_;
};

}  // namespace headgate::ingest::test
