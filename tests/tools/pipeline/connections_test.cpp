// SPDX-License-Identifier: LGPL-2.1-or-later
// Connections to a port, with processes that are none of ours.
#include <arpa/inet.h>
#include <common/listeners.h>
#include <pipeline/connections.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "loop_test.h"

namespace headgate::pipeline {
namespace {

constexpr int64_t kLittleMib = 96, kLongMs = 600'000, kSilentMs = 10'000;

class ConnectionsTest : public test::LoopTest {
 protected:
  // What runs for each connection; in it words() says that it lives, as long as it is called.
  void start(const std::string& python, const ConnectionLimits& limits) {
    const std::string program = folder_ + "/headgate-pipeline";
    std::ofstream(program) << "#!" PYTHON "\n"
                           << "import os, signal, sys, time\n"
                           << "word_fd = int(sys.argv[sys.argv.index('--word-fd') + 1])\n"
                           << "def words():\n"
                           << "    while True:\n"
                           << "        os.write(word_fd, b'.')\n"
                           << "        time.sleep(0.2)\n"
                           << python << "\n";
    ::chmod(program.c_str(), 0700);
    ::setenv("HEADGATE_LIBEXEC", folder_.c_str(), 1);
    auto description = Description::parse(
        R"({"name": "d", "trigger": "listen", "listen": {"tcp": "127.0.0.1:0"}, "elements": "fdsrc fd=${connection} ! fakesink"})",
        "d.json", [](const std::string&) { return Result<FragmentText>(Unexpected("is not there")); });
    ASSERT_TRUE(description) << description.error().message;
    description_ = *std::move(description);
    auto listener = tools::listen_tcp("127.0.0.1:0");
    ASSERT_TRUE(listener) << listener.error().message;
    socklen_t size = sizeof address_;
    ASSERT_EQ(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
    testing::internal::CaptureStderr();
    connections_ = std::make_unique<Connections>(
        loop_, description_, *std::move(listener),
        std::vector<std::string>{"--word-fd", std::to_string(kWordFd)}, "", "test", limits, [] {});
  }
  UniqueFd connect() {
    UniqueFd out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(out.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    return out;
  }
  bool is(const char* status) {
    return wait_for([&] { return connections_->status() == status; });
  }
  void TearDown() override {
    connections_.reset();
    ::unsetenv("HEADGATE_LIBEXEC");
  }
  static ConnectionLimits limits(int64_t memory_mib, int64_t silent_ms) {
    ConnectionLimits out;
    out.process.stream_memory_mib = out.process.stream_cpu = 0;
    out.process.memory_mib = memory_mib;
    out.start_ms = kLongMs;
    out.silent_ms = silent_ms;
    return out;
  }

  sockaddr_in address_{};
  Description description_;
  std::unique_ptr<Connections> connections_;
};

TEST_F(ConnectionsTest, WhatTakesTooMuchMemoryIsEndedAndNoOther) {
  start(
      "one = os.read(3, 1)\n"
      "taken = bytearray(256 << 20) if one == b'm' else b''\n"
      "words()",
      limits(kLittleMib, kLongMs));
  const UniqueFd good = connect(), bad = connect();
  ASSERT_TRUE(is("2 of 8 connections"));
  ASSERT_EQ(::send(good.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(bad.get(), "m", 1, 0), 1);
  EXPECT_TRUE(is("1 of 8 connections"));
  char byte;
  EXPECT_EQ(::recv(bad.get(), &byte, 1, 0), 0) << "its connection is closed";
  EXPECT_LT(::recv(good.get(), &byte, 1, MSG_DONTWAIT), 0);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("it may have 96 in all; it is ended"), std::string::npos) << told;
}

TEST_F(ConnectionsTest, WhoSaysNothingAnyMoreAndWhoDoesNotEndIsKilled) {
  start(
      "os.write(word_fd, b'.')\n"
      "one = os.read(3, 1)\n"
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
      "taken = bytearray(256 << 20) if one == b'm' else b''\n"
      "time.sleep(10000) if one == b's' else words()",
      limits(kLittleMib, kSilentMs));
  const UniqueFd good = connect(), silent = connect(), large = connect();
  ASSERT_TRUE(is("3 of 8 connections"));
  ASSERT_EQ(::send(good.get(), "x", 1, 0), 1);
  ASSERT_EQ(::send(silent.get(), "s", 1, 0), 1);
  ASSERT_EQ(::send(large.get(), "m", 1, 0), 1);
  EXPECT_TRUE(is("1 of 8 connections"));
  char byte;
  EXPECT_EQ(::recv(silent.get(), &byte, 1, 0), 0);
  EXPECT_EQ(::recv(large.get(), &byte, 1, 0), 0);
  EXPECT_LT(::recv(good.get(), &byte, 1, MSG_DONTWAIT), 0) << "who says that it lives stays";
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("says nothing any more: it is killed"), std::string::npos) << told;
  EXPECT_NE(told.find("does not end: it is killed"), std::string::npos) << told;
}

TEST(ConnectionLimits, AreTheDescriptionsOrThoseOfAStranger) {
  const auto of = [](const std::string& more) {
    const auto description = Description::parse(
        R"({"name": "d", "trigger": "listen", "listen": {"tcp": "127.0.0.1:0"}, "elements": "fdsrc fd=${connection} ! fakesink")" +
            more + "}",
        "d.json", [](const std::string&) { return Result<FragmentText>(Unexpected("is not there")); });
    EXPECT_TRUE(description) << description.error().message;
    return description ? ConnectionLimits::of(*description) : ConnectionLimits();
  };
  EXPECT_EQ(of("").process.memory_mib, kConnectionMemoryMib);
  EXPECT_EQ(of("").process.stream_cpu, 0);
  EXPECT_EQ(of("").silent_ms, 30'000);
  const auto said = of(R"(, "resources": {"memory": 100, "cpu": 500})");
  EXPECT_EQ(said.process.memory_mib, -1) << "four times what its stream may have";
  EXPECT_EQ(said.process.stream_memory_mib, 100);
  EXPECT_EQ(said.process.stream_cpu, 500);
  EXPECT_EQ(of(R"(, "resources": {"memory": 0})").process.memory_mib, -1);
}

}  // namespace
}  // namespace headgate::pipeline
