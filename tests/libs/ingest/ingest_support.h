// SPDX-License-Identifier: LGPL-2.1-or-later
// A listener on loopback with keys of its own, and publishers for it: one made by hand over rtmp::Client, and
// the real programs.
#pragma once

#include <gtest/gtest.h>

#include <base/encoding.h>
#include <ingest/listener.h>
#include <rtmp/server.h>
#include <ticket/issuer.h>
#include <ticket/keys.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>

#include "loop_test.h"

extern char** environ;

namespace headgate::ingest::test {

inline constexpr int64_t kNow = 1'789'400'000;  // Unix seconds in tests with a manual clock
inline constexpr uint32_t kEvent = 77, kStation = 421;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = testing::TempDir() + "headgate-XXXXXX";
    if (::mkdtemp(pattern.data())) path = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  std::string path;
};

// While it lives, the process can open no descriptor more.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(STDERR_FILENO);  // the lowest that is free
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// An event's keys and its tickets.
class Keys {
 public:
  explicit Keys(uint32_t event = kEvent) {
    ticket::EventFile file;
    file.event = event;
    auto made = ticket::create_keys(folder.path, file);
    EXPECT_TRUE(made) << made.error().message;
    auto loaded = ticket::load_issuer_keys(folder.path, std::nullopt, false);
    EXPECT_TRUE(loaded) << loaded.error().message;
    issuer.emplace(*loaded);
  }
  ticket::NodeKeys node() const {
    auto loaded = ticket::load_node_keys(folder.path);
    EXPECT_TRUE(loaded) << loaded.error().message;
    return *loaded;
  }
  ticket::Issued issue(uint32_t station, int64_t from, int64_t until,
                       uint16_t flags = ticket::kFlagChallengePlain, uint16_t max_kbps = 0) {
    ticket::IssueRequest request;
    request.tid = ticket::new_ticket_id();
    request.station = station;
    request.not_before = from;
    request.expires = until;
    request.flags = flags;
    request.max_kbps = max_kbps;
    auto issued = issuer->issue(request);
    EXPECT_TRUE(issued) << issued.error().message;
    return *issued;
  }

  TemporaryFolder folder;
  std::optional<ticket::Issuer> issuer;
};

inline UniqueFd listen_on_loopback(uint16_t& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(fd.get(), 1024), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return fd;
}

// Connected to loopback; `from`: 127.0.0.1 or another of 127/8, as if from another network.
inline UniqueFd connect_to(uint16_t port, const char* from = "127.0.0.1") {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  EXPECT_EQ(::inet_pton(AF_INET, from, &address.sin_addr), 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  return fd;
}

// One listener in the test's own thread.
class Fixture : public testing::Test {
 protected:
  void start(Policy policy = {}) {
    verifier_.emplace(keys_.node());
    Callbacks callbacks;
    callbacks.decide = [this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
      return decide_(ticket, claimant);
    };
    callbacks.admitted = [this](Admitted one) { admitted_.push_back(std::move(one)); };
    callbacks.refused = [this](const Refused& one) { refused_.push_back(one); };
    listener_.emplace(loop_, *clock_, *verifier_, policy, callbacks);
    listener_->add(listen_on_loopback(port_));
  }
  // Runs the loop until `condition` holds.
  bool wait_for(const std::function<bool()>& condition, int seconds = 20) {
    return headgate::test::run_until(loop_, condition, std::chrono::seconds(seconds));
  }
  void advance(int64_t us) { manual_clock_.advance_us(us); }

  Keys keys_;
  Loop loop_;
  ManualClock manual_clock_{kNow * 1'000'000, 5'000'000'000};
  const Clock* clock_ = &manual_clock_;
  std::optional<ticket::Verifier> verifier_;
  std::function<Result<Grant>(const ticket::Ticket&, const ticket::Claimant&)> decide_ =
      [](const ticket::Ticket&, const ticket::Claimant&) {
        return Grant{"first", 7};
      };
  std::vector<Admitted> admitted_;
  std::vector<Refused> refused_;
  std::optional<Listener> listener_;
  uint16_t port_ = 0;
};

}  // namespace headgate::ingest::test
