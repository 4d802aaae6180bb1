// SPDX-License-Identifier: LGPL-2.1-or-later
// RTMPS after the admission: what the relay carries, and how each side learns of the other's end.
#include "tls_fixture.h"

namespace headgate::ingest::test {
namespace {

TEST_F(TlsTest, EverythingArrivesInBothDirections) {
  start_tls();
  for (int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    auto publisher = publish(version);
    const ByteVector sent = noise(4 << 20);
    ByteVector to_worker, to_publisher;
    size_t from_publisher = 0, from_worker = 0;
    EXPECT_TRUE(wait_for(
        [&] {
          for (int i = 0; i < 50; ++i) {
            std::array<std::byte, 65536> buffer;
            // Pieces of every size up to more than a record.
            const size_t piece = std::min(sent.size() - from_publisher, 1 + from_publisher * 7 % 40000);
            if (piece > 0)
              from_publisher +=
                  std::max<ssize_t>(0, publisher->tls().send(sent.data() + from_publisher, piece));
            const ssize_t put =
                ::send(worker(), sent.data() + from_worker, sent.size() - from_worker, MSG_NOSIGNAL);
            from_worker += std::max<ssize_t>(0, put);
            ssize_t got = ::recv(worker(), buffer.data(), buffer.size(), 0);
            if (got > 0) to_worker.insert(to_worker.end(), buffer.begin(), buffer.begin() + got);
            got = publisher->tls().receive(buffer.data(), buffer.size());
            if (got > 0) to_publisher.insert(to_publisher.end(), buffer.begin(), buffer.begin() + got);
          }
          return to_worker.size() >= sent.size() && to_publisher.size() >= sent.size();
        },
        60));
    EXPECT_TRUE(to_worker == sent);
    EXPECT_TRUE(to_publisher == sent);
    publisher.reset();
    admitted_.clear();
    EXPECT_TRUE(wait_for_relays(0));
  }
}

TEST_F(TlsTest, ASideThatDoesNotReadStopsTheOther) {
  start_tls();
  auto publisher = publish();
  const ByteVector piece = noise(16000);
  // The worker does not read: the publisher can send what the kernel holds, and no more.
  size_t taken = 0;
  auto stuck_since = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_for([&] {
    ssize_t put;
    while ((put = publisher->tls().send(piece.data(), piece.size())) > 0) {
      taken += static_cast<size_t>(put);
      stuck_since = std::chrono::steady_clock::now();
    }
    return std::chrono::steady_clock::now() - stuck_since > std::chrono::milliseconds(500);
  }));
  EXPECT_LT(taken, size_t{64} << 20);
  // Then all of it comes, the piece that had to wait included.
  const size_t whole = taken + piece.size();
  ByteVector read;
  EXPECT_TRUE(wait_for([&] {
    std::array<std::byte, 65536> buffer;
    const ssize_t got = ::recv(worker(), buffer.data(), buffer.size(), 0);
    if (got > 0) read.insert(read.end(), buffer.begin(), buffer.begin() + got);
    if (taken < whole)
      taken += static_cast<size_t>(std::max<ssize_t>(0, publisher->tls().send(piece.data(), piece.size())));
    return read.size() >= whole;
  }));
  EXPECT_EQ(read.size(), whole);
  bool same = true;
  for (size_t at = 0; at < read.size(); ++at) same = same && read[at] == piece[at % piece.size()];
  EXPECT_TRUE(same);
}

TEST_F(TlsTest, ThePublishersEndIsTheWorkersEnd) {
  start_tls();
  auto publisher = publish();
  const ByteVector last = noise(100'000);
  size_t sent = 0;
  EXPECT_TRUE(wait_for([&] {
    sent += static_cast<size_t>(
        std::max<ssize_t>(0, publisher->tls().send(last.data() + sent, last.size() - sent)));
    return sent == last.size();
  }));
  publisher->tls().finish();
  EXPECT_TRUE(worker_reads(last.size() + 1) == last);
  // The other direction is open until the worker closes.
  ASSERT_EQ(::send(worker(), "farewell", 8, MSG_NOSIGNAL), 8);
  EXPECT_EQ(as_text(publisher_reads(*publisher, 8)), "farewell");
  EXPECT_EQ(relays_.connections(), 1u);
  admitted_.clear();
  EXPECT_TRUE(publisher_reads(*publisher, 1).empty());
  EXPECT_TRUE(publisher->tls().peer_finished());
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, TheWorkersEndIsThePublishersEnd) {
  start_tls();
  auto publisher = publish();
  const ByteVector last = noise(3000);
  ASSERT_EQ(::send(worker(), last.data(), last.size(), MSG_NOSIGNAL), static_cast<ssize_t>(last.size()));
  admitted_.clear();  // closed
  EXPECT_TRUE(publisher_reads(*publisher, last.size() + 1) == last);
  EXPECT_TRUE(publisher->tls().peer_finished()) << "close_notify";
  // A publisher that goes on sending and does not close is not waited for long.
  publisher->tls().send("and another thing", 17);
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AFarewellReachesAPublisherThatStillSends) {
  start_tls();
  auto publisher = publish();
  ASSERT_EQ(::send(worker(), "no more of it", 13, MSG_NOSIGNAL), 13);
  ::shutdown(worker(), SHUT_WR);
  EXPECT_EQ(as_text(publisher_reads(*publisher, 14)), "no more of it");
  // Until the worker closes as well, it gets what comes.
  ASSERT_EQ(publisher->tls().send("media", 5), 5);
  EXPECT_EQ(as_text(worker_reads(5)), "media");
  EXPECT_TRUE(wait_for_relays(0)) << "after the linger";
}

TEST_F(TlsTest, AResetEndsTheSession) {
  start_tls();
  auto publisher = publish();
  ASSERT_EQ(publisher->tls().send("the last", 8), 8);
  EXPECT_EQ(as_text(worker_reads(8)), "the last");
  linger abort{1, 0};
  ::setsockopt(publisher->tls().fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  publisher.reset();
  EXPECT_TRUE(worker_reads(1).empty());
  admitted_.clear();
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AResetIsNoticedWhileTheWorkerDoesNotRead) {
  start_tls();
  auto publisher = publish();
  const ByteVector piece = noise(16000);
  auto stuck_since = std::chrono::steady_clock::now();
  EXPECT_TRUE(wait_for([&] {
    while (publisher->tls().send(piece.data(), piece.size()) > 0)
      stuck_since = std::chrono::steady_clock::now();
    return std::chrono::steady_clock::now() - stuck_since > std::chrono::milliseconds(300);
  }));
  linger abort{1, 0};
  ::setsockopt(publisher->tls().fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  publisher.reset();
  // It does not turn round and round meanwhile.
  timespec before{}, after{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
  auto since = std::chrono::steady_clock::now();
  wait_for([&] { return std::chrono::steady_clock::now() - since > std::chrono::milliseconds(500); });
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const int64_t spent_us =
      (after.tv_sec - before.tv_sec) * 1'000'000 + (after.tv_nsec - before.tv_nsec) / 1000;
  EXPECT_LT(spent_us, 300'000);
  const ByteVector rest = worker_reads(size_t{1} << 40);
  EXPECT_GT(rest.size(), 0u);
  admitted_.clear();
  EXPECT_TRUE(wait_for_relays(0));
}

TEST_F(TlsTest, AWorkerThatDiesEndsIt) {
  start_tls();
  auto publisher = publish();
  // With something unread in its socket.
  ASSERT_EQ(publisher->tls().send("unread", 6), 6);
  EXPECT_TRUE(wait_for([&] {
    char bytes[6];
    return ::recv(worker(), bytes, sizeof bytes, MSG_PEEK) == 6;
  }));
  admitted_.clear();
  EXPECT_TRUE(publisher_reads(*publisher, 1).empty());
  publisher.reset();
  EXPECT_TRUE(wait_for_relays(0));
}

}  // namespace
}  // namespace headgate::ingest::test
