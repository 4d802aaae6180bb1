// SPDX-License-Identifier: LGPL-2.1-or-later
// The journal's protocol, and who is taken for a journal; a real journal is in
// tests/integration/journal_test.py.
#include <common/journal.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace headgate::tools {
namespace {

TEST(JournalRecord, ALineForEachField) {
  JournalRecord record;
  record.add("MESSAGE", "session opened");
  record.add("HEADGATE_STATION", "421");
  EXPECT_EQ(record.datagram(), "MESSAGE=session opened\nHEADGATE_STATION=421\n");
}

TEST(JournalRecord, AValueOfSeveralLinesIsNoFieldOfItsOwn) {
  using namespace std::string_literals;
  JournalRecord record;
  record.add("MESSAGE", "a\nPRIORITY=0");
  EXPECT_EQ(record.datagram(), "MESSAGE\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n"s);
}

TEST(JournalRecord, WrongNamesAndWhatIsTooLongStayOut) {
  JournalRecord record;
  for (const char* name : {"", "_PID", "lower", "WITH SPACE", "A=B", "1ST"}) record.add(name, "x");
  EXPECT_EQ(record.datagram(), "");
  record.add("LONG", std::string(kMaxJournalValue + 1, 'x'));
  EXPECT_EQ(record.datagram().size(), std::strlen("LONG=\n") + kMaxJournalValue);
}

TEST(JournalStream, IsTheOneThatTheEnvironmentNames) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  struct stat own {};
  ASSERT_EQ(::fstat(ends[1], &own), 0);
  const std::string name = std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino);
  EXPECT_TRUE(is_journal_stream(ends[1], name.c_str()));
  EXPECT_FALSE(is_journal_stream(ends[1], nullptr));
  for (const std::string& other :
       {std::string(), name + "1", name + " ", "1:" + name, name.substr(0, name.find(':')),
        std::to_string(own.st_dev) + ":" + std::to_string(own.st_ino + 1)})
    EXPECT_FALSE(is_journal_stream(ends[1], other.c_str())) << other;
  EXPECT_FALSE(is_journal_stream(-1, name.c_str()));
  ::close(ends[0]);
  ::close(ends[1]);
}

// A journal of the test's own.
class JournalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/hg-journal-XXXXXX";
    ASSERT_TRUE(::mkdtemp(folder));
    folder_ = folder;
    listen();
  }
  void TearDown() override {
    ::unlink(path().c_str());
    ::rmdir(folder_.c_str());
  }
  std::string path() const { return folder_ + "/socket"; }
  void listen() {
    ::unlink(path().c_str());
    server_ = UniqueFd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path().c_str(), path().size() + 1);
    ASSERT_EQ(::bind(server_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  std::string heard() const {
    char text[1024];
    const ssize_t size = ::recv(server_.get(), text, sizeof text, 0);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }
  static JournalRecord record(const char* message) {
    JournalRecord out;
    out.add("MESSAGE", message);
    return out;
  }
  std::string folder_;
  UniqueFd server_;
};

TEST_F(JournalTest, TakesRecordsAlsoAfterItWasStartedAnew) {
  Journal journal(path());
  EXPECT_TRUE(journal.send(record("one")));
  EXPECT_EQ(heard(), "MESSAGE=one\n");
  listen();
  EXPECT_TRUE(journal.send(record("two")));
  EXPECT_EQ(heard(), "MESSAGE=two\n");
  server_ = UniqueFd();
  EXPECT_FALSE(journal.send(record("three")));
  listen();
  EXPECT_TRUE(journal.send(record("four")));
  EXPECT_EQ(heard(), "MESSAGE=four\n");
}

TEST_F(JournalTest, OneThatReadsNothingHoldsUpNobody) {
  Journal journal(path());
  int taken = 0;
  while (taken < 100'000 && journal.send(record("more"))) ++taken;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, 100'000);  // and this line was reached
  EXPECT_EQ(heard(), "MESSAGE=more\n");
  EXPECT_TRUE(journal.send(record("again")));
}

}  // namespace
}  // namespace headgate::tools
