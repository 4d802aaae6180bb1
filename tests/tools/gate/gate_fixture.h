// SPDX-License-Identifier: LGPL-2.1-or-later
// A whole gate in the test's thread, with workers that only listen, and publishers over loopback.
#pragma once

#include <gate/gate.h>

#include "publisher.h"

namespace headgate::gate::test {

using ingest::test::Keys;
using ingest::test::Publisher;
using rtmp::Client;

// What a worker is to the gate.
class FakeWorker {
 public:
  FakeWorker(Loop& loop, const std::string& runtime_dir, uint32_t id) : id_(id) {
    auto acceptor = wire::Acceptor::listen(loop, runtime_dir + "/worker-" + std::to_string(id) + ".sock",
                                           [this](std::unique_ptr<wire::Channel> one) {
                                             channel = std::move(one);
                                             channel->start(
                                                 [this](wire::Message message, std::vector<UniqueFd> fds) {
                                                   on(std::move(message), std::move(fds));
                                                 },
                                                 [this] { channel.reset(); });
                                           });
    EXPECT_TRUE(acceptor) << acceptor.error().message;
    acceptor_ = *std::move(acceptor);
  }
  void tell_state(bool accepting = true, const std::string& reason = "") {
    if (channel) channel->send(wire::WorkerState{id_, 1, 0, 10, accepting, reason});
  }
  void open(const wire::Handoff& handoff) {
    channel->send(wire::SessionOpened{handoff.session, handoff.event, handoff.station, handoff.ticket_id,
                                      handoff.peer, handoff.protocol, handoff.user_agent, 0});
  }

  std::unique_ptr<wire::Channel> channel;
  std::vector<wire::Message> sessions_at_start;
  std::vector<wire::Handoff> handoffs;
  std::vector<UniqueFd> sockets;
  std::vector<wire::Kick> kicks;

 private:
  void on(wire::Message message, std::vector<UniqueFd> fds) {
    if (std::holds_alternative<wire::Hello>(message)) {
      tell_state();
      for (const wire::Message& one : sessions_at_start) channel->send(one);
    } else if (auto* handoff = std::get_if<wire::Handoff>(&message)) {
      handoffs.push_back(*handoff);
      ASSERT_EQ(fds.size(), 1u);
      sockets.push_back(std::move(fds[0]));
    } else if (auto* kick = std::get_if<wire::Kick>(&message)) {
      kicks.push_back(*kick);
    }
  }

  uint32_t id_;
  std::unique_ptr<wire::Acceptor> acceptor_;
};

inline constexpr uint16_t kMaxKbps = 2500;

class GateTest : public testing::Test {
 protected:
  void SetUp() override {
    verifier_.emplace(keys_.node());
    start_gate();
  }
  void start_gate(bool supervised = false, const std::string& revoked = "", const std::string& keys = "") {
    Settings settings{folder_.path, {}};
    settings.keys = keys;
    settings.revoked = revoked;
    settings.supervised = supervised;
    gate_.emplace(loop_, system_clock(), *verifier_, std::move(settings));
    auto started = gate_->start();
    ASSERT_TRUE(started) << started.error().message;
    auto listening = gate_->listen("rtmp", ingest::test::listen_on_loopback(port_));
    ASSERT_TRUE(listening) << listening.error().message;
  }
  bool wait_for(const std::function<bool()>& condition) {
    return headgate::test::run_until(loop_, condition);
  }
  // Until the gate has this worker's state.
  std::unique_ptr<FakeWorker> add_worker(uint32_t id) {
    auto worker = std::make_unique<FakeWorker>(loop_, folder_.path, id);
    EXPECT_TRUE(wait_for([&] { return worker->channel != nullptr; }));
    settle();
    return worker;
  }
  // What was sent over the node's sockets has been read on the other side.
  void settle() {
    for (int i = 0; i < 20; ++i) loop_.run_once(2);
  }
  ticket::Issued ticket(uint32_t station = 421) {
    int64_t now = system_clock().utc_seconds();
    return keys_.issue(station, now - 60, now + 3600, ticket::kFlagChallengePlain, kMaxKbps);
  }
  // Until `worker` has it or the publisher was refused; the text in that case.
  std::string publish(Publisher& publisher, FakeWorker* worker) {
    size_t before = worker ? worker->handoffs.size() : 0;
    EXPECT_TRUE(wait_for([&] {
      publisher.step();
      return publisher.refused() || (worker && worker->handoffs.size() > before);
    }));
    return publisher.refused() ? publisher.refusal().text : "";
  }

  Keys keys_;
  ingest::test::TemporaryFolder folder_;
  Loop loop_;
  std::optional<ticket::Verifier> verifier_;
  std::optional<Gate> gate_;
  uint16_t port_ = 0;
};

}  // namespace headgate::gate::test
