// SPDX-License-Identifier: LGPL-2.1-or-later
// The clients of the field, as Debian has them, against a listener and a server that answers: they are let in
// with a ticket, everything they send arrives, and wrong ones show the reason.
#include <sys/epoll.h>

#include <map>

#include "ingest_support.h"
#include "program.h"

namespace headgate::ingest::test {
namespace {

constexpr int kFrames = 50, kAudioBuffers = 80;
constexpr int kPatienceSeconds = 60;  // of a loaded machine

// Takes an admitted connection to its end and counts what comes.
class Session : public rtmp::MessageSink, public rtmp::ServerHandler {
 public:
  Session(Loop& loop, Admitted admitted) : loop_(loop), admitted_(std::move(admitted)) {
    auto server = rtmp::Server::restore(admitted_.state);
    EXPECT_TRUE(server) << server.error().message;
    server_.emplace(*std::move(server));
    server_->accept_publish();
    feed({});
    loop_.watch(admitted_.socket.get(), EPOLLIN, [this](uint32_t) { read(); });
  }
  ~Session() override { loop_.unwatch(admitted_.socket.get()); }

  std::span<std::byte> begin(uint32_t, const rtmp::MessageHeader& header, Bytes prefix) override {
    ByteVector& memory = memory_[header.type];
    memory.resize(header.length - prefix.size());
    return memory;
  }
  void complete(uint32_t, const rtmp::MessageHeader& header, Bytes prefix, std::span<std::byte>) override {
    if (header.type == rtmp::kVideo)
      ++video[rtmp::parse_video_header(prefix).kind];
    else
      ++audio[rtmp::parse_audio_header(prefix).kind];
  }
  void abandon(uint32_t) override { ADD_FAILURE() << "no client aborts"; }
  void on_metadata(const rtmp::Metadata& data) override { metadata = data; }
  void on_end(rtmp::End) override { unpublished = true; }

  std::map<rtmp::PacketKind, int> video, audio;
  std::optional<rtmp::Metadata> metadata;
  bool unpublished = false, closed = false;
  const Admitted& admitted() const { return admitted_; }

 private:
  void read() {
    std::array<std::byte, 65536> buffer;
    ssize_t got = ::recv(admitted_.socket.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got > 0) return feed(Bytes(buffer).first(static_cast<size_t>(got)));
    closed = true;
    loop_.unwatch(admitted_.socket.get());
  }
  void feed(Bytes data) {
    auto fed = server_->feed(data, *this, this);
    EXPECT_TRUE(fed) << fed.error().message;
    ByteVector out = server_->take_output();
    ::send(admitted_.socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
  }

  Loop& loop_;
  Admitted admitted_;
  std::optional<rtmp::Server> server_;
  std::map<int, ByteVector> memory_;
};

struct Client {
  const char* name;
  const char* program;
  // `who`: "user:password" or empty.
  std::vector<std::string> (*arguments)(const std::string& user, const std::string& password,
                                        const std::string& host, const std::string& key);
  bool shows_text;  // the server's words are in its output
};
void PrintTo(const Client& client, std::ostream* out) {
  *out << client.name;
}

std::string with_credentials(const std::string& user, const std::string& password, const std::string& host,
                             const std::string& key) {
  std::string who = user.empty() ? "" : user + ":" + password + "@";
  return "rtmp://" + who + host + "/lt/" + key;
}

std::vector<std::string> ffmpeg(const std::string& user, const std::string& password, const std::string& host,
                                const std::string& key) {
  return {"ffmpeg",
          "-nostdin",
          "-hide_banner",
          "-loglevel",
          "verbose",
          "-f",
          "lavfi",
          "-i",
          "testsrc=size=320x180:rate=25:duration=2",
          "-f",
          "lavfi",
          "-i",
          "sine=duration=2",
          "-c:v",
          "libx264",
          "-preset",
          "ultrafast",
          "-g",
          "25",
          "-c:a",
          "aac",
          "-f",
          "flv",
          with_credentials(user, password, host, key)};
}

std::vector<std::string> gst_launch(const std::string& sink) {
  std::string line = "gst-launch-1.0 -q videotestsrc num-buffers=" + std::to_string(kFrames) +
                     " ! video/x-raw,width=320,height=180,framerate=25/1 ! x264enc speed-preset=ultrafast "
                     "key-int-max=25 ! flvmux name=m streamable=true ! " +
                     sink + " audiotestsrc num-buffers=" + std::to_string(kAudioBuffers) +
                     " ! audio/x-raw,rate=44100 ! avenc_aac ! m.";
  return {"sh", "-c", line};
}

std::vector<std::string> rtmp2sink(const std::string& user, const std::string& password,
                                   const std::string& host, const std::string& key) {
  return gst_launch("rtmp2sink location='" + with_credentials(user, password, host, key) + "'");
}

std::vector<std::string> rtmpsink(const std::string& user, const std::string& password,
                                  const std::string& host, const std::string& key) {
  std::string who = user.empty() ? "" : " pubUser=" + user + " pubPasswd=" + password;
  return gst_launch("rtmpsink location='rtmp://" + host + "/lt/" + key + who + "'");
}

class ClientsTest : public Fixture, public testing::WithParamInterface<Client> {
 protected:
  void SetUp() override {
    if (!is_installed(GetParam().program)) GTEST_SKIP() << GetParam().program << " is not installed";
    clock_ = &system_clock();
    start();
    now_ = clock_->utc_seconds();
  }
  std::vector<std::string> arguments(const std::string& user, const std::string& password,
                                     const std::string& key) const {
    return GetParam().arguments(user, password, "127.0.0.1:" + std::to_string(port_), key);
  }
  int64_t now_ = 0;
};

TEST_P(ClientsTest, PublishesWithATicket) {
  ticket::Issued issued = keys_.issue(kStation, now_ - 60, now_ + 3600);
  Program client(arguments(ticket::rtmp_user(issued.ticket.tid), ticket::rtmp_password(issued.seed),
                           issued.ticket.wire_text()));
  ASSERT_TRUE(wait_for([&] { return !admitted_.empty() || client.ended(); }, kPatienceSeconds));
  ASSERT_EQ(admitted_.size(), 1u) << client.text();
  Session session(loop_, std::move(admitted_[0]));
  ASSERT_TRUE(
      wait_for([&] { return client.ended() && (session.closed || session.unpublished); }, kPatienceSeconds))
      << client.text();
  EXPECT_EQ(session.admitted().ticket.station, kStation);
  EXPECT_EQ(session.admitted().user_agent.empty(), GetParam().name == std::string_view("rtmpsink"));
  EXPECT_GE(session.video[rtmp::PacketKind::kSequenceHeader], 1);
  EXPECT_EQ(session.video[rtmp::PacketKind::kFrame], kFrames);
  EXPECT_GE(session.audio[rtmp::PacketKind::kSequenceHeader], 1);
  EXPECT_GE(session.audio[rtmp::PacketKind::kFrame], kAudioBuffers);
  EXPECT_EQ(session.video[rtmp::PacketKind::kMalformed] + session.audio[rtmp::PacketKind::kMalformed], 0);
  ASSERT_TRUE(session.metadata);
  EXPECT_EQ(session.metadata->width, 320);
  EXPECT_TRUE(refused_.empty());
}

TEST_P(ClientsTest, ShowsWhyATicketIsRefused) {
  ticket::Issued expired = keys_.issue(kStation, now_ - 7200, now_ - 3600);
  Program client(arguments(ticket::rtmp_user(expired.ticket.tid), ticket::rtmp_password(expired.seed),
                           expired.ticket.wire_text()));
  ASSERT_TRUE(wait_for([&] { return client.ended(); }, kPatienceSeconds)) << client.text();
  EXPECT_FALSE(client.succeeded());
  EXPECT_TRUE(admitted_.empty());
  ASSERT_GE(refused_.size(), 1u) << client.text();
  EXPECT_EQ(refused_[0].code, ticket::kForbidden);
  if (GetParam().shows_text) {
    EXPECT_NE(client.text().find("EXPIRED"), std::string::npos) << client.text();
  }
}

TEST_P(ClientsTest, ShowsWhatToDoWithoutAPassword) {
  ticket::Issued issued = keys_.issue(kStation, now_ - 60, now_ + 3600);
  Program client(arguments("", "", issued.ticket.wire_text()));
  ASSERT_TRUE(wait_for([&] { return client.ended(); }, kPatienceSeconds)) << client.text();
  EXPECT_FALSE(client.succeeded());
  EXPECT_TRUE(admitted_.empty());
  EXPECT_GE(listener_->counters().challenged, 1u);
  if (std::string_view(GetParam().name) == "ffmpeg") {
    EXPECT_NE(client.text().find("needs user and password"), std::string::npos) << client.text();
  }
}

TEST_P(ClientsTest, WrongPasswordEnds) {
  ticket::Issued issued = keys_.issue(kStation, now_ - 60, now_ + 3600);
  Program client(arguments(ticket::rtmp_user(issued.ticket.tid), "AAAAAAAAAAAAAAAAAAAAAAAAAA",
                           issued.ticket.wire_text()));
  ASSERT_TRUE(wait_for([&] { return client.ended(); }, kPatienceSeconds)) << client.text();
  EXPECT_FALSE(client.succeeded());
  ASSERT_EQ(refused_.size(), 1u) << client.text();
  EXPECT_EQ(refused_[0].code, ticket::kUnauthorized);
}

INSTANTIATE_TEST_SUITE_P(Real, ClientsTest,
                         testing::Values(Client{"ffmpeg", "ffmpeg", ffmpeg, true},
                                         Client{"rtmp2sink", "gst-launch-1.0", rtmp2sink, true},
                                         Client{"rtmpsink", "gst-launch-1.0", rtmpsink, false}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace headgate::ingest::test
