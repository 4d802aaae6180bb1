// SPDX-License-Identifier: LGPL-2.1-or-later
// SRT through a whole gate: leases, workers and drain decide within the handshake, and a worker gets the
// stream.
#include "gate_fixture.h"
#include "srt_support.h"

namespace headgate::gate {
namespace {

using srt::test::Caller;

class GateSrt : public test::GateTest {
 protected:
  void SetUp() override {
    srt_startup();
    GateTest::SetUp();
    listen();
  }
  void TearDown() override {
    gate_.reset();
    srt_cleanup();
  }
  void listen() {
    UniqueFd udp = srt::test::udp_on_loopback(srt_port_);
    auto listening = gate_->listen("srt", std::move(udp));
    ASSERT_TRUE(listening) << listening.error().message;
  }
  // Until `worker` has it or the caller has heard why not; the code in that case.
  int publish(Caller& caller, test::FakeWorker* worker) {
    const size_t before = worker ? worker->handoffs.size() : 0;
    EXPECT_TRUE(wait_for([&] { return caller.over() || (worker && worker->handoffs.size() > before); }));
    return caller.over() ? caller.reject_code() : 0;
  }
  uint16_t srt_port_ = 0;
};

TEST_F(GateSrt, HandsTheStreamOver) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Caller caller = Caller::of(srt_port_, issued);
  ASSERT_EQ(publish(caller, worker.get()), 0);
  const wire::Handoff& handoff = worker->handoffs[0];
  EXPECT_EQ(handoff.event, ingest::test::kEvent);
  EXPECT_EQ(handoff.station, 421u);
  EXPECT_EQ(handoff.ticket_id, to_hex(issued.ticket.tid));
  EXPECT_EQ(handoff.ticket, issued.ticket.wire_text());
  EXPECT_EQ(handoff.protocol, "srt");
  EXPECT_EQ(handoff.claim, "first");
  EXPECT_EQ(handoff.max_kbps, test::kMaxKbps);
  EXPECT_TRUE(handoff.state.empty());
  EXPECT_TRUE(handoff.user_agent.starts_with("SRT/")) << handoff.user_agent;
  srt::test::Session session(std::move(worker->sockets[0]));
  ASSERT_TRUE(wait_for([&] { return caller.send(srt::test::numbered_payload(0)); }));
  EXPECT_TRUE(wait_for([&] {
    session.read();
    return session.payloads == 1;
  }));
  // The worker ends the session: the caller is cut off.
  session.stream.reset();
  EXPECT_TRUE(wait_for([&] { return caller.over(); }));
}

TEST_F(GateSrt, WithoutAWorkerTheCodeSaysSo) {
  Caller caller = Caller::of(srt_port_, ticket());
  EXPECT_EQ(publish(caller, nullptr), ticket::kDown);
}

TEST_F(GateSrt, AFullDiskIsSaid) {
  auto worker = add_worker(0);
  worker->tell_state(false, "archive: the archive's disk is full");
  settle();
  ticket::Issued issued = ticket();
  Caller caller = Caller::of(srt_port_, issued);
  EXPECT_EQ(publish(caller, worker.get()), ticket::kNoStorage);
  worker->tell_state(true);
  settle();
  Caller again = Caller::of(srt_port_, issued);
  EXPECT_EQ(publish(again, worker.get()), 0);
}

TEST_F(GateSrt, AReconnectSupersedesItsOldSessionOverAnyProtocol) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  ingest::test::Publisher first = ingest::test::Publisher::of(port_, issued);
  ASSERT_EQ(GateTest::publish(first, worker.get()), "");
  worker->open(worker->handoffs[0]);
  settle();
  Caller second = Caller::of(srt_port_, issued);
  ASSERT_EQ(publish(second, worker.get()), 0);
  ASSERT_TRUE(wait_for([&] { return worker->kicks.size() == 1; }));
  EXPECT_EQ(worker->kicks[0].session, worker->handoffs[0].session);
  EXPECT_EQ(worker->handoffs[1].claim, "resume");
}

TEST_F(GateSrt, ASecondDeviceHearsThatTheTicketIsInUse) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Caller first = Caller::of(srt_port_, issued);
  ASSERT_EQ(publish(first, worker.get()), 0);
  worker->open(worker->handoffs[0]);
  settle();
  Caller second = Caller::of(srt_port_, issued, "127.0.0.9");
  EXPECT_EQ(publish(second, worker.get()), ticket::kConflict);
  EXPECT_TRUE(worker->kicks.empty());
  EXPECT_TRUE(first.connected());
}

// W can be read on the path: whoever has it and not the secret must change nothing.
TEST_F(GateSrt, AWrongPassphraseTakesNobodysPlace) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  {
    Caller thief(srt_port_, srt::test::stream_id(issued), "not the passphrase", "127.0.0.9");
    EXPECT_EQ(publish(thief, worker.get()), SRT_REJ_BADSECRET);
  }
  Caller first = Caller::of(srt_port_, issued);
  ASSERT_EQ(publish(first, worker.get()), 0);
  EXPECT_EQ(worker->handoffs[0].claim, "first");
  worker->open(worker->handoffs[0]);
  settle();
  Caller thief(srt_port_, srt::test::stream_id(issued), "not the passphrase");
  EXPECT_EQ(publish(thief, worker.get()), SRT_REJ_BADSECRET);
  settle();
  EXPECT_TRUE(worker->kicks.empty());
  EXPECT_EQ(worker->handoffs.size(), 1u);
}

TEST_F(GateSrt, DrainedAndItsSocketsHandedBack) {
  auto worker = add_worker(0);
  std::vector<std::string> names;
  std::vector<UniqueFd> sockets;
  auto channel = wire::Channel::connect(loop_, folder_.path + "/gate.sock");
  ASSERT_TRUE(channel) << channel.error().message;
  (*channel)->start(
      [&](const wire::Message& message, std::vector<UniqueFd> fds) {
        if (auto* listeners = std::get_if<wire::Listeners>(&message)) {
          names = listeners->names;
          sockets = std::move(fds);
        }
      },
      [] {});
  (*channel)->send(wire::GetListeners{});
  ASSERT_TRUE(wait_for([&] { return !names.empty(); }));
  EXPECT_EQ(names, (std::vector<std::string>{"rtmp", "srt"}));
  ASSERT_EQ(sockets.size(), 2u);
  (*channel)->send(wire::Drain{});
  settle();
  ticket::Issued issued = ticket();
  Caller caller = Caller::of(srt_port_, issued);
  EXPECT_EQ(publish(caller, worker.get()), ticket::kDown);
  EXPECT_NE(gate_->status_json().find("\"srt\":{\"asked\":1,\"admitted\":0,\"refused\":{\"1503\":1}"),
            std::string::npos)
      << gate_->status_json();
  // The next gate goes on with the same port.
  channel->reset();
  gate_.reset();
  start_gate();
  auto listening = gate_->listen("srt", std::move(sockets[1]));
  ASSERT_TRUE(listening) << listening.error().message;
  settle();
  Caller again = Caller::of(srt_port_, issued);
  EXPECT_EQ(publish(again, worker.get()), 0);
}

}  // namespace
}  // namespace headgate::gate
