// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <fstream>

#include "gate_fixture.h"

namespace headgate::gate {
namespace {

using ingest::test::Publisher;
using rtmp::Client;
using test::FakeWorker;
using test::GateTest;
using test::kMaxKbps;

TEST_F(GateTest, HandsOverToAWorkerThatAnswers) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  ASSERT_EQ(publish(publisher, worker.get()), "");
  const wire::Handoff& handoff = worker->handoffs[0];
  EXPECT_EQ(handoff.event, ingest::test::kEvent);
  EXPECT_EQ(handoff.station, 421u);
  EXPECT_EQ(handoff.ticket_id, to_hex(issued.ticket.tid));
  EXPECT_EQ(handoff.ticket, issued.ticket.wire_text());
  EXPECT_EQ(handoff.protocol, "rtmp");
  EXPECT_EQ(handoff.claim, "first");
  EXPECT_EQ(handoff.max_kbps, kMaxKbps);
  EXPECT_EQ(handoff.codecs, uint32_t{ticket::kH264 | ticket::kAac});
  EXPECT_TRUE(handoff.peer.starts_with("127.0.0.1:")) << handoff.peer;
  auto server = rtmp::Server::restore(handoff.state);
  ASSERT_TRUE(server) << server.error().message;
  server->accept_publish();
  ByteVector out = server->take_output();
  ASSERT_EQ(::send(worker->sockets[0].get(), out.data(), out.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(out.size()));
  EXPECT_TRUE(wait_for([&] {
    publisher.step();
    return publisher.phase() == Client::Phase::kPublishing;
  }));
  // The gate's own copy is closed, and closing it ended nothing; when it dies the stream lives.
  gate_.reset();
  publisher.step();
  EXPECT_FALSE(publisher.closed);
  worker->sockets.clear();
  EXPECT_TRUE(wait_for([&] { return !publisher.step(); }));
}

TEST_F(GateTest, WithoutAWorkerTheTextSaysSo) {
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  std::string text = publish(publisher, nullptr);
  EXPECT_TRUE(text.starts_with("1503 DOWN:")) << text;
}

TEST_F(GateTest, AFullDiskIsSaid) {
  auto worker = add_worker(0);
  worker->tell_state(false, "archive: the archive's disk is full");
  settle();
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  EXPECT_TRUE(publish(publisher, worker.get()).starts_with("1507 NO-STORAGE:"));
  worker->tell_state(true);
  settle();
  Publisher again = Publisher::of(port_, issued);
  EXPECT_EQ(publish(again, worker.get()), "");
}

TEST_F(GateTest, AReconnectSupersedesItsOldSession) {
  auto worker = add_worker(0);
  auto other = add_worker(1);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  worker->open(worker->handoffs[0]);
  settle();
  Publisher second = Publisher::of(port_, issued);
  ASSERT_EQ(publish(second, worker.get()), "");
  ASSERT_EQ(worker->kicks.size(), 1u);
  EXPECT_EQ(worker->kicks[0].session, worker->handoffs[0].session);
  EXPECT_EQ(worker->kicks[0].reason, "superseded");
  EXPECT_EQ(worker->handoffs[1].claim, "resume");
  EXPECT_NE(worker->handoffs[1].session, worker->handoffs[0].session);
  EXPECT_TRUE(other->handoffs.empty());
}

TEST_F(GateTest, AHandoverThatFailsSupersedesNobody) {
  auto draining = add_worker(0);
  auto dying = add_worker(1);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, draining.get()), "");
  draining->open(draining->handoffs[0]);
  draining->tell_state(false, "draining");
  settle();
  Publisher second = Publisher::of(port_, issued);
  ASSERT_TRUE(wait_for([&] {
    second.step();
    return second.phase() == Client::Phase::kPublish;
  }));
  second.step();  // `publish` is there before the gate hears of the worker's end
  dying.reset();
  ASSERT_TRUE(wait_for([&] {
    second.step();
    return second.closed || second.refused();
  }));
  ASSERT_TRUE(second.closed) << second.refusal().text;
  settle();
  EXPECT_TRUE(draining->kicks.empty());
}

TEST_F(GateTest, ASecondPublisherFromElsewhereIsRefused) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  worker->open(worker->handoffs[0]);
  Publisher second = Publisher::of(port_, issued, "127.0.0.9");
  EXPECT_TRUE(publish(second, worker.get()).starts_with("1409 IN-USE")) << second.refusal().text;
  EXPECT_TRUE(worker->kicks.empty());
}

TEST_F(GateTest, WorkersComeAndGo) {
  auto worker = add_worker(3);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  worker.reset();
  settle();
  Publisher second = Publisher::of(port_, issued);
  EXPECT_TRUE(publish(second, nullptr).starts_with("1503"));
  worker = add_worker(3);
  Publisher third = Publisher::of(port_, issued);
  EXPECT_EQ(publish(third, worker.get()), "");
  EXPECT_TRUE(worker->kicks.empty()) << "the old session died with the old worker";
}

TEST_F(GateTest, ANewGateFindsTheSessions) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  wire::Handoff handoff = worker->handoffs[0];
  worker->sessions_at_start = {wire::SessionOpened{handoff.session, handoff.event, handoff.station,
                                                   handoff.ticket_id, handoff.peer, "rtmp", "", 0}};
  gate_.reset();
  ASSERT_TRUE(wait_for([&] { return worker->channel == nullptr; }));
  start_gate();
  ASSERT_TRUE(wait_for([&] { return worker->channel != nullptr; }));
  settle();
  Publisher second = Publisher::of(port_, issued);
  ASSERT_EQ(publish(second, worker.get()), "");
  ASSERT_EQ(worker->kicks.size(), 1u);
  EXPECT_EQ(worker->kicks[0].session, handoff.session);
  EXPECT_EQ(worker->handoffs[1].claim, "resume");
  EXPECT_GT(worker->handoffs[1].session, handoff.session);
}

TEST_F(GateTest, WhoseTicketIsRevokedIsLetOutAndNotInAgain) {
  const std::string file = folder_.path + "/list";
  std::ofstream(file) << "# nobody yet\n";
  gate_.reset();
  start_gate(false, file);
  auto worker = add_worker(0);
  ticket::Issued issued = ticket(), other = ticket(422);
  Publisher first = Publisher::of(port_, issued), second = Publisher::of(port_, other);
  ASSERT_EQ(publish(first, worker.get()), "");
  worker->open(worker->handoffs[0]);
  ASSERT_EQ(publish(second, worker.get()), "");
  worker->open(worker->handoffs[1]);
  std::ofstream(file) << worker->handoffs[0].ticket_id << "\n";
  ASSERT_TRUE(wait_for([&] { return !worker->kicks.empty(); })) << "it is looked at each second";
  EXPECT_EQ(worker->kicks[0].session, worker->handoffs[0].session);
  EXPECT_EQ(worker->kicks[0].reason, "revoked");
  Publisher again = Publisher::of(port_, issued);
  EXPECT_TRUE(publish(again, worker.get()).starts_with("1403 REVOKED")) << again.refusal().text;
  // What is wrong changes nothing, and the next gate knows it, too.
  std::ofstream(file) << "not an id\n";
  gate_->reload();
  gate_.reset();
  start_gate(false, file);
  ASSERT_TRUE(wait_for([&] { return worker->channel != nullptr; }));
  settle();
  Publisher later = Publisher::of(port_, issued);
  EXPECT_TRUE(publish(later, worker.get()).starts_with("1403 REVOKED")) << later.refusal().text;
  for (const wire::Kick& kick : worker->kicks) EXPECT_EQ(kick.session, worker->handoffs[0].session);
}

TEST_F(GateTest, AKeyThatIsTakenAwayLetsNobodyInAndASpareOneDoes) {
  const std::string keys = keys_.folder.path;
  gate_.reset();
  start_gate(false, "", keys);
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  worker->open(worker->handoffs[0]);

  ASSERT_TRUE(ticket::create_keys(keys, {.event = ingest::test::kEvent, .kid = 2, .fleet = 2}));
  auto spare = ticket::load_issuer_keys(keys, 2, false);
  ASSERT_TRUE(spare) << spare.error().message;
  keys_.issuer.emplace(*spare);
  ticket::Issued later = ticket(422);
  auto says = [&](const std::string& text) {
    return wait_for([&] { return gate_->status_json().find(text) != std::string::npos; });
  };
  ASSERT_TRUE(says("\"kids\":\"1,2\"")) << "it is looked at each second: " << gate_->status_json();
  Publisher second = Publisher::of(port_, later);
  EXPECT_EQ(publish(second, worker.get()), "");

  // What is wrong is refused whole, whatever else has changed.
  std::filesystem::rename(keys + "/issuer-1.pub", keys + "/issuer-3.pub");
  gate_->reload();
  EXPECT_TRUE(says("master-main-3.key is missing")) << gate_->status_json();
  EXPECT_TRUE(says("\"kids\":\"1,2\"")) << gate_->status_json();
  Publisher same = Publisher::of(port_, issued);
  EXPECT_EQ(publish(same, worker.get()), "");
  std::filesystem::remove(keys + "/issuer-3.pub");
  gate_->reload();
  EXPECT_TRUE(says("\"kids\":\"2\"")) << gate_->status_json();
  EXPECT_TRUE(says("\"keys_problem\":\"\"")) << gate_->status_json();
  Publisher again = Publisher::of(port_, issued);
  EXPECT_NE(publish(again, worker.get()), "");
  // Who was let in goes on, but for his own second connection.
  for (const wire::Kick& kick : worker->kicks) EXPECT_EQ(kick.reason, "superseded");
  // Another event's are nobody's here.
  std::filesystem::remove_all(keys);
  ASSERT_TRUE(ticket::create_keys(keys, {.event = ingest::test::kEvent + 1}));
  gate_->reload();
  EXPECT_TRUE(says("that needs a restart")) << gate_->status_json();
  EXPECT_TRUE(says("\"kids\":\"2\"")) << gate_->status_json();
}

// Nothing is left of the session, and no worker tells of it.
TEST_F(GateTest, ANewGateKnowsWhoHeldATicketWhoseSessionIsOver) {
  auto worker = add_worker(0);
  ticket::Issued issued = ticket();
  Publisher first = Publisher::of(port_, issued);
  ASSERT_EQ(publish(first, worker.get()), "");
  const std::string file = folder_.path + "/leases";
  std::error_code none;
  // Before the gate ends: one that is killed has no time.
  ASSERT_TRUE(wait_for([&] { return std::filesystem::file_size(file, none) > 0 && !none; }));
  gate_.reset();
  ASSERT_TRUE(wait_for([&] { return worker->channel == nullptr; }));
  start_gate();
  ASSERT_TRUE(wait_for([&] { return worker->channel != nullptr; }));
  settle();
  Publisher other = Publisher::of(port_, issued, "127.0.0.9");
  EXPECT_TRUE(publish(other, worker.get()).starts_with("1409 IN-USE")) << other.refusal().text;
  Publisher again = Publisher::of(port_, issued);
  ASSERT_EQ(publish(again, worker.get()), "");
  EXPECT_EQ(worker->handoffs.back().claim, "resume");
}

TEST_F(GateTest, ASupervisedOneKnowsTheQuarantineBeforeAnybodyComesIn) {
  auto worker = add_worker(0);
  gate_.reset();
  ASSERT_TRUE(wait_for([&] { return worker->channel == nullptr; }));
  start_gate(true);
  auto channel = wire::Channel::connect(loop_, folder_.path + "/gate.sock");
  ASSERT_TRUE(channel) << channel.error().message;
  std::vector<std::string> names;
  (*channel)->start(
      [&](const wire::Message& message, const std::vector<UniqueFd>&) {
        if (auto* listeners = std::get_if<wire::Listeners>(&message)) names = listeners->names;
      },
      [] {});
  (*channel)->send(wire::GetListeners{});
  ASSERT_TRUE(wait_for([&] { return worker->channel != nullptr && !names.empty(); }));
  EXPECT_EQ(names, std::vector<std::string>{"rtmp"}) << "also while it waits";
  settle();  // the worker's state
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  wire::NodePolicy policy;
  policy.isolated = {{issued.ticket.event, issued.ticket.station, wire::kFirstOwnWorker, false, 0,
                      "what this station sent has ended 2 workers"}};
  for (int i = 0; i < 100; ++i) {  // enough to be handed over, if it were let in
    publisher.step();
    loop_.run_once(2);
  }
  (*channel)->send(policy);
  EXPECT_TRUE(publish(publisher, worker.get()).find("has ended 2 workers") != std::string::npos);
  EXPECT_TRUE(worker->handoffs.empty());
}

TEST_F(GateTest, ASupervisedOneDoesNotWaitForASupervisorThatIsGone) {
  auto worker = add_worker(0);
  gate_.reset();
  ASSERT_TRUE(wait_for([&] { return worker->channel == nullptr; }));
  start_gate(true);
  ASSERT_TRUE(wait_for([&] { return worker->channel != nullptr; }));
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  EXPECT_EQ(publish(publisher, worker.get()), "");
}

TEST_F(GateTest, TheSupervisorsQuestions) {
  auto channel = wire::Channel::connect(loop_, folder_.path + "/gate.sock");
  ASSERT_TRUE(channel) << channel.error().message;
  std::vector<wire::Status> statuses;
  std::vector<std::string> names;
  std::vector<UniqueFd> sockets;
  bool closed = false;
  (*channel)->start(
      [&](wire::Message message, std::vector<UniqueFd> fds) {
        if (auto* status = std::get_if<wire::Status>(&message)) statuses.push_back(*status);
        if (auto* listeners = std::get_if<wire::Listeners>(&message)) {
          names = listeners->names;
          sockets = std::move(fds);
        }
      },
      [&] { closed = true; });
  (*channel)->send(wire::Hello{"supervisor"});
  (*channel)->send(wire::GetListeners{});
  ASSERT_TRUE(wait_for([&] { return !statuses.empty() && !names.empty(); }));
  EXPECT_EQ(statuses[0].role, "gate");
  EXPECT_EQ(statuses[0].pid, static_cast<uint32_t>(::getpid()));
  EXPECT_NE(statuses[0].json.find("\"unauthenticated\":0"), std::string::npos) << statuses[0].json;
  EXPECT_EQ(names, std::vector<std::string>{"rtmp"});
  ASSERT_EQ(sockets.size(), 1u);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ASSERT_EQ(::getsockname(sockets[0].get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_EQ(ntohs(address.sin_port), port_);

  auto worker = add_worker(0);
  (*channel)->send(wire::Drain{});
  settle();
  ticket::Issued issued = ticket();
  Publisher publisher = Publisher::of(port_, issued);
  EXPECT_TRUE(publish(publisher, worker.get()).starts_with("1503 DOWN: this server is being taken out"));
  statuses.clear();
  ASSERT_TRUE(wait_for([&] { return !statuses.empty(); })) << "once a second";
  EXPECT_NE(statuses[0].json.find("\"refused\":{\"1503\":1}"), std::string::npos) << statuses[0].json;
  EXPECT_NE(statuses[0].json.find("\"draining\":true"), std::string::npos);
  EXPECT_FALSE(closed);

  (*channel)->send(wire::Stop{});
  loop_.after_ms(20'000, [&] {
    ADD_FAILURE() << "Stop did not stop the loop";
    loop_.stop();
  });
  loop_.run();
}

}  // namespace
}  // namespace headgate::gate
