// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <serve/reports.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include <sys/wait.h>

namespace headgate::serve {
namespace {

uint32_t own_pid() {
  return static_cast<uint32_t>(::getpid());
}

TEST(Reports, WhatAProcessSaysGoesOnWithWhatItUses) {
  CloseLooks looks;
  Reports reports(looks);
  const wire::Status report = reports.of("worker-3", {"worker", own_pid(), R"({"id":3})"}, 0);
  EXPECT_EQ(report.role, "worker-3");
  EXPECT_EQ(report.pid, own_pid());
  EXPECT_TRUE(report.json.starts_with(R"({"usage":{"cpu_us":)")) << report.json;
  EXPECT_TRUE(report.json.ends_with(R"(},"id":3})")) << report.json;
  const wire::Status nothing = reports.of("origin", {"origin", own_pid(), "{}"}, 0);
  EXPECT_TRUE(nothing.json.ends_with("}}")) << nothing.json;
}

TEST(Reports, AnotherProcessInAPlaceIsLookedAtAnew) {
  const pid_t kid = ::fork();
  if (kid == 0) {
    ::pause();
    std::_Exit(0);
  }
  CloseLooks looks;
  Reports reports(looks);
  auto looked_at = [&](uint32_t pid, int64_t now_ms) {
    for (;; std::this_thread::yield())
      if (std::string json = reports.of("gate", {"gate", pid, "{}"}, now_ms).json;
          json.find("open_fds") != json.npos)
        return json;
  };
  const std::string mine = looked_at(own_pid(), 0), its = looked_at(static_cast<uint32_t>(kid), 1);
  EXPECT_NE(mine.find("open_fds"), mine.npos);
  EXPECT_NE(its.find("open_fds"), its.npos);  // though 10 s are not over
  ::kill(kid, SIGKILL);
  ::waitpid(kid, nullptr, 0);
  // What is told of one that has ended meanwhile goes on.
  EXPECT_EQ(reports.of("gate", {"gate", static_cast<uint32_t>(kid), R"({"a":1})"}, 2).json, R"({"a":1})");
}

TEST(Reports, TheSupervisorTellsOfItself) {
  CloseLooks looks;
  Reports reports(looks);
  const wire::Status own = reports.own(0);
  EXPECT_EQ(own.pid, own_pid());
  EXPECT_NE(own.role, "supervisor");
  EXPECT_NE(own.json.find("resident_bytes"), own.json.npos);
}

}  // namespace
}  // namespace headgate::serve
