// SPDX-License-Identifier: LGPL-2.1-or-later
// Who asks: by what the kernel says of a socket's other end, and of a signal.
#include <common/actor.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::tools {
namespace {

TEST(Actor, AUsersNameIsTheFirstThatTheFileHas) {
  char path[] = "/tmp/hg-passwd-XXXXXX";
  const std::string folder = ::mkdtemp(path), file = folder + "/passwd";
  std::ofstream(file) << "root:x:0:0::/:/bin/sh\nnonsense\nchief:x:1000:1000::/:/bin/sh\n"
                         "deputy:x:1000:1000::/:/bin/sh\nlong:x:1001:1:" +
                             std::string(10'000, 'x') + ":/:\n";
  EXPECT_EQ(user_name(1000, file), "chief");
  EXPECT_EQ(user_name(0, file), "root");
  EXPECT_EQ(user_name(1002, file), "uid 1002");
  EXPECT_EQ(user_name(0, folder + "/none"), "uid 0");
  std::filesystem::remove_all(folder);
}

TEST(Actor, OfASocketIsWhoConnected) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const Actor actor = actor_of_peer(ends[0], "admin.sock");
  const std::string uid = "admin.sock uid=" + std::to_string(::getuid());
  // Behind sudo the one who has logged in is named as well.
  EXPECT_TRUE(actor.from == uid || actor.from.starts_with(uid + " login=")) << actor.from;
  if (actor.from == uid) {
    EXPECT_EQ(actor.by, user_name(::getuid()));
  }
  EXPECT_EQ(actor.reason, "");
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_EQ(actor_of_peer(-1, "admin.sock").by, "");
}

TEST(Actor, OfASignalIsWhoSentIt) {
  const Actor own = actor_of_signal({SIGHUP, true, ::getuid(), ::getpid()});
  EXPECT_TRUE(own.from.starts_with("SIGHUP uid=" + std::to_string(::getuid()))) << own.from;
  EXPECT_TRUE(own.from.ends_with(" pid=" + std::to_string(::getpid()))) << own.from;
  const Actor first = actor_of_signal({SIGTERM, true, 0, 1});
  std::ifstream comm("/proc/1/comm");
  std::string name;
  std::getline(comm, name);
  EXPECT_EQ(first.by, name.empty() ? user_name(0) : name);
  EXPECT_EQ(first.from, "SIGTERM uid=0 pid=1");
  EXPECT_EQ(actor_of_signal({SIGUSR2, true, 12345, 0}).from, "SIGUSR2 uid=12345");
  const Actor keys = actor_of_signal({SIGINT, false, 0, 0});
  EXPECT_EQ(keys.by, "");
  EXPECT_EQ(keys.from, "SIGINT");
}

}  // namespace
}  // namespace headgate::tools
