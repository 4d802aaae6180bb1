// SPDX-License-Identifier: LGPL-2.1-or-later
// Who is taken for the supervisor by control.
#include <control/supervisor_link.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <optional>
#include <vector>

#include "loop_test.h"

namespace headgate::control {
namespace {

TEST(OurSupervisor, WhoHasStartedThisIsItAloneWhileItLives) {
  int parent = 7;
  OurSupervisor ours([&] { return parent; });
  EXPECT_TRUE(ours.may_be(8)) << "the one that has started this may have ended before it was asked";
  ours.says_so(7);
  ours.tells_of("origin", 20);
  EXPECT_TRUE(ours.may_be(7));
  EXPECT_FALSE(ours.may_be(8) || ours.may_be(20) || ours.may_be(0));
  parent = 1;  // that one has ended
  EXPECT_TRUE(ours.may_be(8)) << "its successor";
  EXPECT_FALSE(ours.may_be(20) || ours.may_be(0)) << "the node's own, and nobody";
  ours.says_so(8);
  ours.tells_of("origin", 21);
  EXPECT_FALSE(ours.may_be(21));
  EXPECT_TRUE(ours.may_be(8));
}

class SupervisorLinkTest : public test::LoopTest {
 protected:
  void SetUp() override { ASSERT_TRUE(link_.listen(folder_)); }
  // Another process, which says that it is the supervisor and then wants all that one could; nothing is
  // returned before it has been answered.
  bool another_claims() {
    const pid_t pid = ::fork();
    if (pid == 0) {
      Loop loop;
      auto channel = wire::Channel::connect(loop, folder_ + "/control.sock");
      if (!channel) ::_exit(1);
      bool gone = false;
      int answers = 0, listeners = 0;
      (*channel)->start(
          [&](const wire::Message& message, const std::vector<UniqueFd>& fds) {
            answers += std::holds_alternative<wire::Status>(message);
            if (!std::holds_alternative<wire::Listeners>(message)) return;
            listeners += static_cast<int>(fds.size());
            gone = true;
          },
          [&] { gone = true; });
      (*channel)->send(wire::Hello{"supervisor"});
      (*channel)->send(wire::NodeEvent{1, 0, "x", "info", "a lie", "{}"});
      (*channel)->send(wire::Stop{});
      (*channel)->send(wire::GetListeners{});
      while (!gone) loop.run_once(-1);
      ::_exit(answers > 0 && listeners == 0 ? 0 : 1);
    }
    int status = -1;
    const bool ended = wait_for([&] { return ::waitpid(pid, &status, WNOHANG) == pid; });
    if (!ended) ::kill(pid, SIGKILL);
    return ended && status == 0;
  }

  int parent_ = ::getpid();  // which connects
  std::vector<std::string> events_;
  int stops_ = 0;
  UniqueFd listener_{::dup(STDERR_FILENO)};
  SupervisorLink link_{loop_,
                       listener_.get(),
                       [this](const wire::NodeEvent& event) { events_.push_back(event.text); },
                       [] { return std::string("{}"); },
                       [this] { ++stops_; },
                       OurSupervisor([this] { return parent_; })};
};

TEST_F(SupervisorLinkTest, NobodyTakesThePlaceOfTheSupervisor) {
  auto ours = wire::Channel::connect(loop_, folder_ + "/control.sock");
  ASSERT_TRUE(ours);
  std::vector<std::string> verbs;
  int listeners = 0;
  (*ours)->start(
      [&](const wire::Message& message, const std::vector<UniqueFd>& fds) {
        if (auto* operate = std::get_if<wire::Operate>(&message)) {
          verbs.push_back(operate->verb);
          (*ours)->send(wire::Operated{operate->id, 200, "{}"});
        }
        if (std::holds_alternative<wire::Listeners>(message)) listeners += static_cast<int>(fds.size());
      },
      [] {});
  (*ours)->send(wire::Hello{"supervisor"});
  ASSERT_TRUE(wait_for([&] { return link_.supervised(); }));
  EXPECT_TRUE(another_claims());
  unsigned code = 0;
  link_.operate("reload", "{}", [&](unsigned answer, const std::string&) { code = answer; });
  (*ours)->send(wire::NodeEvent{2, 0, "x", "info", "the truth", "{}"});
  (*ours)->send(wire::GetListeners{});
  EXPECT_TRUE(wait_for([&] { return code != 0 && listeners != 0 && !events_.empty(); }));
  EXPECT_EQ(code, 200U);
  EXPECT_EQ(verbs, std::vector<std::string>{"reload"});
  EXPECT_EQ(events_, std::vector<std::string>{"the truth"});
  EXPECT_EQ(stops_, 0);
  (*ours)->send(wire::Stop{});
  EXPECT_TRUE(wait_for([&] { return stops_ == 1; }));
}

}  // namespace
}  // namespace headgate::control
