// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/bytes.h>
#include <base/clock.h>
#include <base/encoding.h>
#include <base/guarded.h>
#include <base/io.h>
#include <base/json_line.h>
#include <base/loop.h>
#include <base/sha256.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>

#include <cstdlib>
#include <thread>

namespace headgate {
namespace {

// RFC 4648, section 10.
TEST(Encoding, KnownVectors) {
  EXPECT_EQ(to_hex(as_bytes("foobar")), "666f6f626172");
  EXPECT_EQ(to_base32(as_bytes("foobar")), "MZXW6YTBOI");
  EXPECT_EQ(to_base32(as_bytes("foob")), "MZXW6YQ");
  EXPECT_EQ(to_base64(as_bytes("fooba")), "Zm9vYmE=");
  EXPECT_EQ(to_base64(as_bytes("foob")), "Zm9vYg==");
  EXPECT_EQ(to_base64url(as_bytes("\xfb\xff")), "-_8");
  EXPECT_EQ(to_hex(Bytes{}), "");
}

TEST(Encoding, EveryLengthComesBack) {
  ByteVector bytes;
  for (int i = 0; i < 130; ++i) {
    EXPECT_EQ(from_hex(to_hex(bytes)).value(), bytes);
    EXPECT_EQ(from_base32(to_base32(bytes)).value(), bytes);
    EXPECT_EQ(from_base64(to_base64(bytes)).value(), bytes);
    EXPECT_EQ(from_base64url(to_base64url(bytes)).value(), bytes);
    bytes.push_back(static_cast<std::byte>(i * 37 + 11));
  }
}

TEST(Encoding, RefusesWhatDoesNotRoundTrip) {
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("0G"));
  EXPECT_FALSE(from_base32("A"));          // five bits are no byte
  EXPECT_FALSE(from_base32("AB"));         // left-over bits set
  EXPECT_TRUE(from_base32("mzxw6ytboi"));  // a scanner may lower the case
  EXPECT_FALSE(from_base64("Zm9v="));
  EXPECT_FALSE(from_base64("Zg=a"));
  EXPECT_FALSE(from_base64url("-_9"));  // left-over bits set
  EXPECT_FALSE(from_base64url("ab+/"));
  EXPECT_FALSE(from_base64url("Zg=="));
}

TEST(ByteReader, StaysBadAfterTheFirstOverrun) {
  const ByteVector data{std::byte{1}, std::byte{2}, std::byte{3}};
  ByteReader reader(data);
  EXPECT_EQ(reader.u16(), 0x0102);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0) << "one byte is left, but the reader has failed";
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Sha256, Fips180) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.update(as_bytes("a"));
  hash.update(as_bytes("bc"));
  Digest first = hash.finish();
  EXPECT_EQ(first, sha256(as_bytes("abc")));
  EXPECT_EQ(to_hex(hash.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(JsonLine, AsciiOnlyAndInOrder) {
  JsonLine line;
  std::string text =
      line.field("v", 1).field("t", "o\"\\\n\x01").field("n", "\xd0\x96\xf0\x9f\x8e\xa5").take();
  EXPECT_EQ(text, R"({"v":1,"t":"o\"\\\n\u0001","n":"\u0416\ud83c\udfa5"})");
  EXPECT_EQ(line.field("x", -5).field("b", true).field("d", 0.1).raw("a", "[1]").take(),
            R"({"x":-5,"b":true,"d":0.1,"a":[1]})");
  EXPECT_EQ(line.take(), "{}");
  EXPECT_EQ(JsonLine::after(R"({"a":{}})").field("b", 1).take(), R"({"a":{},"b":1})");
  EXPECT_EQ(JsonLine::after(R"({"a":{}})").take(), R"({"a":{}})");
  for (const char* none : {"", "{}"}) EXPECT_EQ(JsonLine::after(none).field("b", 1).take(), R"({"b":1})");
  // Overlong, surrogate, cut off: one replacement for each byte that is not text.
  EXPECT_EQ(JsonLine::quoted("\xc0\x80"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonLine::quoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(JsonLine::quoted("a\xe2\x82"), "\"a\\ufffd\\ufffd\"");
}

class IoTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/headgate-io-XXXXXX";
    directory_ = ::mkdtemp(name);
  }
  void TearDown() override { (void)!std::system(("rm -r " + directory_).c_str()); }
  std::string directory_;
};

TEST_F(IoTest, FilesAndDirectories) {
  ASSERT_TRUE(make_directories(directory_ + "/a/b/c"));
  ASSERT_TRUE(make_directories(directory_ + "/a/b/c"));
  std::string path = directory_ + "/a/b/c/f";
  ASSERT_TRUE(replace_file(path, as_bytes("one")));
  ASSERT_TRUE(replace_file(path, as_bytes("second")));
  EXPECT_EQ(as_text(read_file(path, 100).value()), "second");
  EXPECT_EQ(read_file(path, 5).error().code, EFBIG);
  EXPECT_EQ(read_file(path + "x", 5).error().code, ENOENT);
  auto fd = open_file(path, O_RDWR);
  ASSERT_TRUE(fd);
  char x[] = "XY", empty[] = "", z[] = "Z";
  iovec parts[] = {{x, 2}, {empty, 0}, {z, 1}};
  ASSERT_TRUE(pwritev_all(fd->get(), parts, 1));
  EXPECT_EQ(as_text(pread_exact(fd->get(), 0, 6).value()), "sXYZnd");
  EXPECT_EQ(pread_exact(fd->get(), 3, 4).error().code, ENODATA);
}

TEST(Loop, TimersRunInOrderAndCanCancelThemselves) {
  Loop loop;
  std::string order;
  loop.after_ms(2, [&] { order += 'b'; });
  loop.after_ms(0, [&] { order += 'a'; });
  auto never = loop.after_ms(1, [&] { order += 'x'; });
  loop.cancel(never);
  int rounds = 0;
  Loop::TimerId repeating = 0;
  repeating = loop.every_ms(3, [&] {
    order += 'r';
    if (++rounds == 2) loop.cancel(repeating);
  });
  loop.after_ms(30, [&] { loop.stop(); });
  loop.run();
  EXPECT_EQ(order, "abrr");
}

TEST(Loop, ItsDescriptorIsReadableWhenATimerIsDue) {
  Loop loop;
  int runs = 0;
  Loop::TimerId later = loop.after_ms(60'000, [&] { runs += 100; });
  loop.after_ms(5, [&] { ++runs; });
  pollfd outside{.fd = loop.fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&outside, 1, 10'000), 1);
  loop.run_once(0);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(poll(&outside, 1, 0), 0);  // the next is due in a minute
  loop.cancel(later);
  loop.after_ms(1, [&] { ++runs; });  // earlier than what the alarm is set to
  ASSERT_EQ(poll(&outside, 1, 10'000), 1);
  loop.run_once(0);
  EXPECT_EQ(runs, 2);
}

TEST(Loop, ACallbackMayUnwatchOthersOfTheSameRound) {
  Loop loop;
  int first[2], second[2];
  ASSERT_EQ(::pipe2(first, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(second, O_CLOEXEC), 0);
  int calls = 0;
  auto callback = [&](uint32_t) {
    ++calls;
    loop.unwatch(first[0]);
    loop.unwatch(second[0]);
    loop.stop();
  };
  loop.watch(first[0], EPOLLIN, callback);
  loop.watch(second[0], EPOLLIN, callback);
  ASSERT_EQ(::write(first[1], "x", 1), 1);
  ASSERT_EQ(::write(second[1], "x", 1), 1);
  loop.run();
  loop.run_once(0);
  EXPECT_EQ(calls, 1);
  for (int fd : {first[0], first[1], second[0], second[1]}) ::close(fd);
}

TEST(SignalWatch, TellsWhoSentIt) {
  Loop loop;
  SignalInfo got;
  int number = 0;
  {
    const SignalWatch full(loop, {SIGUSR1}, [&](const SignalInfo& signal) { got = signal; });
    ::kill(::getpid(), SIGUSR1);
    loop.run_once(10'000);
  }
  EXPECT_EQ(got.number, SIGUSR1);
  EXPECT_TRUE(got.from_process);
  EXPECT_EQ(got.uid, ::getuid());
  EXPECT_EQ(got.pid, ::getpid());
  const SignalWatch short_one(loop, {SIGUSR1}, [&](int one) { number = one; });
  ::kill(::getpid(), SIGUSR1);
  loop.run_once(10'000);
  EXPECT_EQ(number, SIGUSR1);
}

TEST(Loop, PostWakesItFromAnotherThread) {
  Loop loop;
  std::thread::id ran_in;
  std::thread other([&] {
    loop.post([&] {
      ran_in = std::this_thread::get_id();
      loop.stop();
    });
  });
  loop.run();
  other.join();
  EXPECT_EQ(ran_in, std::this_thread::get_id());
}

TEST(Guarded, SharesDataSafely) {
  Guarded<int> counter(0);
  auto add = [&] {
    for (int i = 0; i < 10000; ++i) ++*counter.lock();
  };
  std::thread a(add), b(add);
  a.join();
  b.join();
  EXPECT_EQ(*counter.lock(), 20000);
}

}  // namespace
}  // namespace headgate
