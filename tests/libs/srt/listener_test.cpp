// SPDX-License-Identifier: LGPL-2.1-or-later
// What an admitted caller sends comes out of the pair, and either end's end is the other's.
#include "srt_support.h"

namespace headgate::srt::test {
namespace {

class Relaying : public Fixture {
 protected:
  // Time enough for a burst to be sent again that overran the UDP socket on a busy machine.
  static Policy patient() {
    Policy policy;
    policy.latency_ms = 1500;
    return policy;
  }
  // Sends `count` numbered payloads from `first`, as fast as the caller takes them.
  void send(
      Caller& caller, uint64_t first, uint64_t count, const std::function<void()>& meanwhile = [] {}) {
    for (uint64_t i = first; i < first + count; ++i)
      ASSERT_TRUE(wait_for([&] {
        meanwhile();
        return caller.send(numbered_payload(i));
      })) << i;
  }
  // What was sent is due; nobody has read it.
  void wait_past_the_latency() {
    const int64_t due_us = clock_->mono_us() + 2 * patient().latency_ms * 1000;
    ASSERT_TRUE(wait_for([&] { return clock_->mono_us() > due_us; }));
  }
  Caller connect(const ticket::Issued& issued) {
    const size_t before = admitted_.size();
    Caller caller = Caller::of(port_, issued);
    EXPECT_TRUE(wait_for([&] { return admitted_.size() > before; }));
    return caller;
  }
  static std::vector<uint64_t> count_to(uint64_t end) {
    std::vector<uint64_t> out(end);
    for (uint64_t i = 0; i < end; ++i) out[i] = i;
    return out;
  }
};

TEST_F(Relaying, EveryPayloadComesInOrder) {
  start(patient());
  Caller caller = connect(issue());
  Session session = this->session();
  send(caller, 0, 500, [&] { session.read(); });
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.payloads == 500;
  })) << session.payloads;
  EXPECT_EQ(session.numbers, count_to(500));
  EXPECT_EQ(session.bytes, 500u * 1316);
}

TEST_F(Relaying, WithoutADescriptorForItNobodysPlaceIsTaken) {
  start();
  int decided = 0;
  decide_ = [&](const ticket::Ticket&, const ticket::Claimant&) {
    ++decided;
    return ingest::Grant{"resume", 8};
  };
  const auto issued = issue();
  {
    Caller caller = Caller::of(port_, issued);
    ingest::test::NoMoreDescriptors none;
    ASSERT_TRUE(wait_for([&] { return !refused_.empty(); }));
  }
  EXPECT_EQ(refused_[0].code, ticket::kDown);
  EXPECT_EQ(decided, 0);
  Caller again = connect(issued);
  EXPECT_EQ(decided, 1);
}

TEST_F(Relaying, PayloadsOfAnyKindAndSize) {
  start();
  Caller caller = connect(issue());
  Session session = this->session();
  const ByteVector stats_like(188, kStatsMark), longest(kMaxPayload, std::byte{0}), one(1, std::byte{'u'});
  for (const ByteVector* payload : {&stats_like, &longest, &one})
    ASSERT_TRUE(wait_for([&] { return caller.send(*payload); }));
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.payloads == 3;
  }));
  EXPECT_EQ(session.bytes, 188u + kMaxPayload + 1u);
}

TEST_F(Relaying, WhatWasSentBeforeTheEndArrivesBeforeTheEnd) {
  start();
  const auto issued = issue();
  for (int round = 0; round < 3; ++round) {
    Caller caller = connect(issued);
    Session session = this->session();
    send(caller, 0, 50, [&] { session.read(); });
    // All is with the listener, most of it waits for its time; then the caller goes.
    ASSERT_TRUE(wait_for([&] {
      size_t blocks = 0, bytes = 0;
      return srt_getsndbuffer(caller.id(), &blocks, &bytes) == 0 && blocks == 0;
    }));
    caller.close();
    ASSERT_TRUE(wait_for([&] {
      session.read();
      return session.ended;
    }));
    EXPECT_EQ(session.numbers, count_to(50));
    ASSERT_FALSE(session.stats.empty());
    EXPECT_EQ(session.stats.back().received_packets, 50u);
    EXPECT_EQ(session.stats.back().received_bytes, 50u * (1316 + 44));
    EXPECT_TRUE(wait_for([&] { return listener_->counters().links == 0; }));
  }
}

TEST_F(Relaying, ASessionThatClosesItsEndCutsTheCallerOff) {
  start();
  Caller caller = connect(issue());
  admitted_.back().stream.reset();
  EXPECT_TRUE(wait_for([&] { return caller.over(); }));
  EXPECT_TRUE(wait_for([&] { return listener_->counters().links == 0; }));
}

TEST_F(Relaying, ASessionThatDoesNotReadLosesNothingAndIsGoneOnWith) {
  start(patient());
  Caller caller = connect(issue());
  // More than the pair holds: the relay has to stop reading, and SRT keeps the rest.
  constexpr uint64_t kCount = 2000;
  send(caller, 0, kCount);
  wait_past_the_latency();
  Session session = this->session();
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.payloads == kCount;
  })) << session.payloads;
  EXPECT_EQ(session.numbers, count_to(kCount));
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return !session.stats.empty() && session.stats.back().held_ms > 0;
  }));
}

TEST_F(Relaying, ACallerThatGoesWhileItsSessionDoesNotReadIsReadToTheEnd) {
  start(patient());
  Caller caller = connect(issue());
  constexpr uint64_t kCount = 1500;
  send(caller, 0, kCount);
  ASSERT_TRUE(wait_for([&] {
    size_t blocks = 0, bytes = 0;
    return srt_getsndbuffer(caller.id(), &blocks, &bytes) == 0 && blocks == 0;
  }));
  caller.close();
  wait_past_the_latency();
  Session session = this->session();
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.ended;
  })) << session.payloads;
  EXPECT_EQ(session.numbers, count_to(kCount));
}

TEST_F(Relaying, OneThatDoesNotReadDelaysNoOther) {
  start(patient());
  Caller stuck = connect(issue(1));
  UniqueFd unread = std::move(admitted_.back().stream);
  Caller good = connect(issue(2));
  Session session = this->session();
  send(stuck, 0, 2000);
  send(good, 0, 500, [&] { session.read(); });
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.payloads == 500;
  }));
}

// N27. Each attempt has a right W and a wrong passphrase, which is what costs most: the budget is opened for
// it.
TEST_F(Relaying, AFloodOfWrongAttemptsDisturbsNoPublisher) {
  constexpr size_t kAttempts = 400, kAtOnce = 20;
  Policy policy = patient();
  policy.failures_per_source = policy.failures_per_network = 2 * kAttempts;
  start(policy);
  const auto issued = issue(1);
  Caller good = connect(issue(2));
  Session session = this->session();
  uint64_t sent = 0;
  std::vector<Caller> flood;
  size_t over = 0;
  ASSERT_TRUE(wait_for(
      [&] {
        std::erase_if(flood, [&](const Caller& one) {
          // A caller that gave up before it was heard, on a machine with other work, is no attempt.
          if (one.over() && one.reject_code() != SRT_REJ_TIMEOUT) ++over;
          return one.over();
        });
        while (flood.size() < kAtOnce && over + flood.size() < kAttempts)
          flood.emplace_back(port_, stream_id(issued), "not the passphrase");
        if (good.send(numbered_payload(sent))) ++sent;
        session.read();
        return over == kAttempts;
      },
      60));
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.numbers.size() == sent;
  })) << session.numbers.size()
      << " of " << sent;
  EXPECT_EQ(session.numbers, count_to(sent));
  // A caller that waits asks again, which is one more.
  ASSERT_TRUE(wait_for([&] { return listener_->counters().refused[ticket::kUnauthorized] >= kAttempts; }))
      << listener_->counters().refused[ticket::kUnauthorized];
  EXPECT_EQ(listener_->counters().admitted, 1u);
  RecordProperty("payloads", static_cast<int>(sent));
  RecordProperty("longest_check_us", static_cast<int>(listener_->counters().longest_check_us));
}

TEST_F(Relaying, TheLinkIsMeasured) {
  start();
  Caller caller = connect(issue());
  Session session = this->session();
  send(caller, 0, 200, [&] { session.read(); });
  ASSERT_TRUE(wait_for([&] {
    session.read();
    return session.stats.size() >= 2;
  }));
  const LinkStats& last = session.stats.back();
  EXPECT_EQ(last.received_packets, 200u);
  EXPECT_EQ(last.received_bytes, 200u * (1316 + 44));
  EXPECT_EQ(last.dropped_packets, 0u);
  EXPECT_EQ(last.latency_ms, 120u);
  EXPECT_GT(last.rtt_us, 0u);
  EXPECT_GT(session.stats.front().rate_kbps, 1000u);
  EXPECT_GE(last.mono_us - session.stats.front().mono_us, 900'000);
}

// Between a caller and a listener; never lets some of the data through.
class LossyPath {
 public:
  explicit LossyPath(uint16_t to) : listener_(udp_on_loopback(port_)), caller_(udp_on_loopback(other_port_)) {
    to_.sin_family = AF_INET;
    to_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to_.sin_port = htons(to);
  }
  uint16_t port() const { return port_; }
  size_t seen() const { return seen_; }  // data packets, those that were sent again too
  void pump() {
    sockaddr_in ignored{};
    while (const size_t size = receive(listener_, from_)) {
      // A data packet begins with a 0 bit and the 31 of its sequence number.
      const uint32_t first = ByteReader(buffer_).u32();
      const bool data = !(first >> 31);
      seen_ += data;
      if (!data || first % 20 != 7) send(caller_, size, to_);
    }
    while (const size_t size = receive(caller_, ignored)) send(listener_, size, from_);
  }

 private:
  size_t receive(const UniqueFd& fd, sockaddr_in& from) {
    socklen_t length = sizeof from;
    const ssize_t got =
        ::recvfrom(fd.get(), buffer_.data(), buffer_.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    return got > 0 ? static_cast<size_t>(got) : 0;
  }
  void send(const UniqueFd& fd, size_t size, const sockaddr_in& to) {
    ::sendto(fd.get(), buffer_.data(), size, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  uint16_t port_ = 0, other_port_ = 0;
  UniqueFd listener_, caller_;  // what each of the two sees of the other
  sockaddr_in to_{}, from_{};
  std::array<std::byte, 2048> buffer_{};
  size_t seen_ = 0;
};

TEST_F(Relaying, HolesAreWhereTheyAre) {
  start();
  LossyPath path(port_);
  Caller caller = Caller::of(path.port(), issue());
  ASSERT_TRUE(wait_for([&] {
    path.pump();
    return !admitted_.empty();
  }));
  Session session = this->session();
  const auto meanwhile = [&] {
    path.pump();
    session.read();
  };
  // So many at a time as a socket's buffer holds.
  for (uint64_t first = 0; first < 200; first += 20) {
    send(caller, first, 20, meanwhile);
    ASSERT_TRUE(wait_for([&] {
      meanwhile();
      return path.seen() >= first + 20;
    }));
  }
  // What never comes is given up after the latency; then there is nothing more.
  ASSERT_TRUE(wait_for([&] {
    meanwhile();
    return !session.numbers.empty() && session.numbers.back() >= 190;
  })) << session.payloads;
  EXPECT_GE(session.holes.size(), 8u);
  for (size_t i = 1; i < session.numbers.size(); ++i) {
    const uint64_t missing = session.numbers[i] - session.numbers[i - 1] - 1;
    const auto hole = session.holes.find(session.numbers[i]);
    EXPECT_EQ(hole == session.holes.end() ? 0 : hole->second, missing) << session.numbers[i];
  }
  caller.close();
  ASSERT_TRUE(wait_for([&] {
    meanwhile();
    return session.ended;
  }));
  uint64_t missing = 0;
  for (const auto& [number, payloads] : session.holes) missing += payloads;
  EXPECT_GE(session.stats.back().dropped_packets, missing);
}

// libsrt asks one that does not block in a busy loop.
TEST_F(Relaying, ThePortsBlockForLibsrt) {
  start();
  for (int fd : listener_->listening()) EXPECT_EQ(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(Relaying, SeveralPortsAndOnesThatOthersHold) {
  start();
  uint16_t second = 0;
  UniqueFd udp = udp_on_loopback(second);
  UniqueFd held(::fcntl(udp.get(), F_DUPFD_CLOEXEC, 0));
  ASSERT_TRUE(listener_->add(std::move(udp)));
  EXPECT_EQ(listener_->listening().size(), 2u);
  const auto issued = issue();
  Caller one = Caller::of(port_, issue()), two = Caller::of(second, issued);
  ASSERT_TRUE(wait_for([&] { return admitted_.size() == 2; }));
  // Who held the socket gives it to the next one, which listens on the same port.
  listener_.reset();
  EXPECT_TRUE(wait_for([&] { return one.over() && two.over(); }));
  admitted_.clear();
  start();
  ASSERT_TRUE(listener_->add(std::move(held)));
  Caller again = Caller::of(second, issued);
  EXPECT_TRUE(wait_for([&] { return !admitted_.empty(); }));
}

}  // namespace
}  // namespace headgate::srt::test
