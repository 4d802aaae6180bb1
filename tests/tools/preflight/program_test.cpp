// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <preflight/program.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace headgate::preflight {
namespace {

// What a supervisor that is killed leaves behind, and what these have started.
TEST(PreflightProgram, NothingOutlivesWhatWasStarted) {
  ASSERT_TRUE(adopt_orphans());
  const pid_t other = ::fork();
  ASSERT_GE(other, 0);
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto before = children();
  EXPECT_EQ(before, std::set<pid_t>{other});
  auto parent =
      Program::start({{"sh", "-c", "trap '' TERM; (sh -c 'sleep 600 & wait' & wait) & echo $!; wait"}});
  ASSERT_TRUE(parent) << parent.error().message;
  while (parent->output().empty()) ASSERT_FALSE(parent->wait(20)) << parent->last_error();
  const pid_t orphan = std::stoi(parent->output());
  parent->stop(0);
  EXPECT_EQ(::kill(orphan, 0), 0) << "it is to outlive its parent";
  end_children_but(before);
  EXPECT_EQ(::kill(orphan, 0), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(children(), before);
  ::kill(other, SIGKILL);
  EXPECT_EQ(::waitpid(-1, nullptr, 0), other);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nobody else is left";
}

}  // namespace
}  // namespace headgate::preflight
