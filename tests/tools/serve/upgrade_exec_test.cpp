// SPDX-License-Identifier: LGPL-2.1-or-later
// By what a running process is known to be what is on disk; what it was given on its standard input included.
#include "serve/upgrade_exec.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "serve/restart_in_place.h"

namespace headgate::serve {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);
const std::string kBefore("--set=fill=none\0--set=key=a\0", 28), kAfter("--set=fill=none\0--set=key=b\0", 28);

Program sleeper(const std::string& input) {
  Program out;
  out.path = "/bin/sleep";
  out.arguments = {"600"};
  out.input = input;
  out.ends_with_us = true;
  return out;
}

struct Sleeping {
  explicit Sleeping(const Program& program) {
    auto spawned = spawn(program);
    EXPECT_TRUE(spawned) << spawned.error().message;
    process = *std::move(spawned);
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!is_as_on_disk(process.pid, program)) {  // it is this test until it has become that
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << "it is never what was started";
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  ~Sleeping() {
    send_signal(process, SIGKILL);
    collect(process);
  }
  Process process;
};

TEST(IsAsOnDisk, WhatIsOnNoCommandLineCountsToo) {
  const Sleeping one(sleeper(kBefore));
  EXPECT_EQ(input_of(one.process.pid), kBefore);
  EXPECT_FALSE(is_as_on_disk(one.process.pid, sleeper(kAfter)));
  EXPECT_FALSE(is_as_on_disk(one.process.pid, sleeper("")));
  Program other = sleeper(kBefore);
  other.arguments = {"601"};
  EXPECT_FALSE(is_as_on_disk(one.process.pid, other));
}

TEST(IsAsOnDisk, WhoHasNoInputIsNotTakenForOneThatHas) {
  const Sleeping one(sleeper(""));
  EXPECT_EQ(input_of(one.process.pid), "");
  EXPECT_FALSE(is_as_on_disk(one.process.pid, sleeper(kAfter)));
}

TEST(InputOf, WhoHasEndedHasNone) {
  int pid = 0;
  {
    const Sleeping one(sleeper(kBefore));
    pid = one.process.pid;
  }
  EXPECT_EQ(input_of(pid), std::nullopt);
}

// The new control ends at once: the one before is started again, as it was in every respect.
TEST(RestartInPlace, WhatRanBeforeHasItsInputAgain) {
  std::string folder = testing::TempDir() + "hg-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  Loop loop;
  const Program before = sleeper(kBefore);
  Program on_disk = before;
  RestartInPlace* restart = nullptr;
  Children children(
      loop, folder,
      [&](const std::string& role, int) { return restart ? restart->as_it_runs(role, on_disk) : on_disk; },
      {[&](Child& child) {
         if (restart) restart->changed(child);
       },
       [](Child&) {}, [](Child&, const wire::Message&, const std::vector<UniqueFd>&) {}});
  RestartInPlace its(loop, children, [&](const std::string& role) { children.place(role).start(); });
  restart = &its;
  auto wait_for = [&](auto condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition() && std::chrono::steady_clock::now() < deadline) loop.run_once(20);
    return condition();
  };
  auto runs_as = [&](const Program& program) {
    const Child& child = children.place("control");
    return child.running() && is_as_on_disk(child.pid(), program);
  };
  children.place("control").start();
  ASSERT_TRUE(wait_for([&] { return runs_as(before); }));
  const int pid = children.place("control").pid();

  on_disk.path = "/bin/false";
  on_disk.arguments = {"new"};
  on_disk.input = kAfter;
  its.begin("control", [](const std::string&) {});
  EXPECT_TRUE(wait_for([&] { return children.place("control").pid() != pid && runs_as(before); }));
  const Program again = its.as_it_runs("control", on_disk);
  EXPECT_EQ(again.arguments, before.arguments);
  EXPECT_EQ(again.input, kBefore);
  // A pipeline's are its settings, which nobody takes back.
  EXPECT_EQ(its.as_it_runs("pipeline-cam", on_disk).input, kAfter);

  its.stop();
  children.place("control").stop();
  EXPECT_TRUE(wait_for([&] { return !children.place("control").running(); }));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace headgate::serve
