// SPDX-License-Identifier: LGPL-2.1-or-later
#include "publisher.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include <base/clock.h>
#include <base/io.h>
#include <rtmp/amf0.h>
#include <rtmp/client.h>
#include <rtmp/server.h>
#include <ticket/keys.h>
#include <ticket/verifier.h>

extern char** environ;

namespace headgate::test {
namespace {

constexpr uint32_t kVideoCsid = 6, kAudioCsid = 4, kDataCsid = 5;

ByteVector join(std::initializer_list<uint8_t> prefix, Bytes rest) {
  ByteVector out;
  for (const uint8_t byte : prefix) out.push_back(std::byte{byte});
  out.insert(out.end(), rest.begin(), rest.end());
  return out;
}

}  // namespace

AdmittedPublisher::AdmittedPublisher(bool enhanced) {
  rtmp::PublishTarget target;
  target.tc_url = "rtmp://127.0.0.1/lt";
  target.app = "lt";
  target.stream_key = "ticket";
  target.enhanced = enhanced;
  rtmp::Client client(target);
  rtmp::Server server;
  rtmp::ServerHandler handler;
  for (int round = 0; round < 20 && server.phase() != rtmp::Server::Phase::kPublishAsked; ++round) {
    EXPECT_TRUE(server.feed(client.take_output(), handler));
    EXPECT_TRUE(client.feed(server.take_output()));
  }
  EXPECT_EQ(server.phase(), rtmp::Server::Phase::kPublishAsked);
  server.take_output();
  state_ = server.save();
  writer_.resume_chunk_size(target.chunk_size);
  int pair[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  mine_.reset(pair[0]);
  theirs_.reset(pair[1]);
}

void AdmittedPublisher::hand_over(GstElement* source) {
  const gst::BytesPtr state(g_bytes_new(state_.data(), state_.size()));
  const gst::StructurePtr info(gst_structure_new(
      "headgate-session", "event", G_TYPE_UINT, Keys::kEvent, "station", G_TYPE_UINT, 12, "ticket-id",
      G_TYPE_STRING, "aa", "ticket", G_TYPE_STRING, "bb", "peer", G_TYPE_STRING, "192.0.2.1:5", "protocol",
      G_TYPE_STRING, "rtmp", "user-agent", G_TYPE_STRING, "test", "claim", G_TYPE_STRING, "first", nullptr));
  g_object_set(source, "session-state", state.get(), "session-info", info.get(), "session-fd",
               theirs_.release(), nullptr);
}

void AdmittedPublisher::send(const ByteVector& bytes) {
  auto written = write_all(mine_.get(), bytes);
  EXPECT_TRUE(written) << written.error().message;
}

void AdmittedPublisher::message(uint8_t type, uint32_t ms, Bytes body) {
  EXPECT_TRUE(try_message(type, ms, body)) << "the connection is closed";
}

bool AdmittedPublisher::try_message(uint8_t type, uint32_t ms, Bytes body) {
  ByteVector out = std::move(gathered_);
  gathered_.clear();
  const uint32_t csid = type == rtmp::kVideo ? kVideoCsid : type == rtmp::kAudio ? kAudioCsid : kDataCsid;
  writer_.write(out, csid, {.type = type, .stream_id = 1, .timestamp = ms}, body);
  if (out.size() < gather_) {
    gathered_ = std::move(out);
    return true;
  }
  for (size_t sent = 0; sent < out.size();) {
    const ssize_t size = ::send(mine_.get(), out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    sent += static_cast<size_t>(size);
  }
  return true;
}

void AdmittedPublisher::gather(size_t bytes) {
  gather_ = bytes;
  if (bytes == 0) send(std::exchange(gathered_, {}));
}

void AdmittedPublisher::chunk_size(uint32_t bytes) {
  ByteVector out;
  writer_.set_chunk_size(out, bytes);
  send(out);
}

void AdmittedPublisher::metadata(bool video, bool audio) {
  ByteVector amf;
  rtmp::AmfWriter writer(amf);
  writer.string("@setDataFrame").string("onMetaData").begin_object();
  if (video) writer.key("videocodecid").number(7);
  if (audio) writer.key("audiocodecid").number(10);
  writer.end();
  message(rtmp::kDataAmf0, 0, amf);
}

void AdmittedPublisher::video_config(Bytes avcc, uint32_t ms) {
  message(rtmp::kVideo, ms, join({0x17, 0, 0, 0, 0}, avcc));
}

void AdmittedPublisher::audio_config(Bytes asc, uint32_t ms) {
  message(rtmp::kAudio, ms, join({0xaf, 0}, asc));
}

void AdmittedPublisher::video(Bytes frame, uint32_t ms, bool key, int32_t composition_ms) {
  const auto cts = static_cast<uint32_t>(composition_ms);
  message(rtmp::kVideo, ms,
          join({static_cast<uint8_t>(key ? 0x17 : 0x27), 1, static_cast<uint8_t>(cts >> 16),
                static_cast<uint8_t>(cts >> 8), static_cast<uint8_t>(cts)},
               frame));
}

void AdmittedPublisher::audio(Bytes frame, uint32_t ms) {
  message(rtmp::kAudio, ms, join({0xaf, 1}, frame));
}

void AdmittedPublisher::file(const MediaFile& media, uint32_t offset_ms) {
  if (media.video) video_config(media.video->config, offset_ms);
  if (media.audio) audio_config(media.audio->config, offset_ms);
  for (const Packet& packet : media.packets) {
    const bool is_video = packet.kind == codec::Kind::video;
    const int64_t timescale = is_video ? media.video->timescale : media.audio->timescale;
    const auto ms = [timescale](int64_t ticks) { return (ticks * 1000 + timescale / 2) / timescale; };
    const auto at = offset_ms + static_cast<uint32_t>(ms(packet.dts));
    if (is_video)
      video(packet.data, at, packet.key, static_cast<int32_t>(ms(packet.pts) - ms(packet.dts)));
    else
      audio(packet.data, at);
  }
}

void AdmittedPublisher::unpublish() {
  // In one write: the element may close the connection once it has read the first.
  ByteVector out, amf;
  rtmp::AmfWriter(amf).string("FCUnpublish").number(6).null().string("ticket");
  writer_.write(out, kDataCsid, {.type = rtmp::kCommandAmf0, .stream_id = 1}, amf);
  amf.clear();
  rtmp::AmfWriter(amf).string("deleteStream").number(7).null().number(1);
  writer_.write(out, kDataCsid, {.type = rtmp::kCommandAmf0, .stream_id = 1}, amf);
  send(out);
}

bool AdmittedPublisher::is_told(const std::string& text) {
  return eventually([&] {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(mine_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) received_.append(buffer.data(), static_cast<size_t>(got));
    return received_.find(text) != std::string::npos;
  });
}

Keys::Keys() {
  ticket::EventFile file;
  file.event = kEvent;
  auto made = ticket::create_keys(folder_.path(), file);
  EXPECT_TRUE(made) << made.error().message;
  auto loaded = ticket::load_issuer_keys(folder_.path(), std::nullopt, false);
  EXPECT_TRUE(loaded) << loaded.error().message;
  issuer_.emplace(*loaded);
}

ticket::Issued Keys::issue(uint32_t station, int64_t valid_seconds) {
  const int64_t now = system_clock().utc_seconds();
  ticket::IssueRequest request;
  request.tid = ticket::new_ticket_id();
  request.station = station;
  request.not_before = now - 7200;
  request.expires = now + valid_seconds;
  auto issued = issuer_->issue(request);
  EXPECT_TRUE(issued) << issued.error().message;
  return *issued;
}

std::string Keys::url(const ticket::Issued& issued, unsigned port) {
  return "rtmp://" + ticket::rtmp_user(issued.ticket.tid) + ":" + ticket::rtmp_password(issued.seed) +
         "@127.0.0.1:" + std::to_string(port) + "/lt/" + issued.ticket.wire_text();
}

std::string Keys::srt_url(const ticket::Issued& issued, unsigned port) {
  return "srt://127.0.0.1:" + std::to_string(port) +
         "?streamid=#!::m=publish,r=" + std::to_string(issued.ticket.station) +
         ",u=" + issued.ticket.wire_text() +
         "&passphrase=" + ticket::srt_passphrase(issued.seed, issued.ticket) + "&pbkeylen=16&linger=5";
}

Program::Program(std::vector<std::string> arguments) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  EXPECT_EQ(::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ), 0) << argv[0];
  ::posix_spawn_file_actions_destroy(&actions);
}

Program::~Program() {
  if (!ended()) kill();
}

bool Program::ended() {
  int status = 0;
  if (!ended_ && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    ended_ = true;
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  return ended_;
}

int Program::wait() {
  if (!eventually([this] { return ended(); })) kill();
  return status_;
}

void Program::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ended_ = true;
}

std::vector<std::string> ffmpeg_publisher(const std::string& url, double seconds, bool video, bool audio) {
  std::vector<std::string> arguments = {"ffmpeg", "-v", "error", "-re"};
  const auto add = [&](std::initializer_list<const char*> more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
  };
  if (video) add({"-f", "lavfi", "-i", "testsrc2=s=320x240:r=25"});
  if (audio) add({"-f", "lavfi", "-i", "sine=f=440:r=44100"});
  if (video) add({"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "25"});
  if (audio) add({"-c:a", "aac"});
  add({"-t"});
  arguments.push_back(std::to_string(seconds));
  add({"-f", url.starts_with("srt://") ? "mpegts" : "flv"});
  arguments.push_back(url);
  return arguments;
}

}  // namespace headgate::test
