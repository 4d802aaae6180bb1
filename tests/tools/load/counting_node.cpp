// SPDX-License-Identifier: LGPL-2.1-or-later
// counting-node KEYS: admits publishers with tickets of these keys, keeps nothing, and counts. Prints the
// port it listens on; at SIGTERM one JSON line: per station the frames of every session, in order.
#include <arpa/inet.h>
#include <ingest/listener.h>
#include <rtmp/server.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <map>

#include <base/json_line.h>

namespace headgate {
namespace {

struct Session : rtmp::ServerHandler, rtmp::MessageSink {
  uint32_t station = 0;
  UniqueFd socket;
  std::optional<rtmp::Server> server;
  uint64_t video = 0, audio = 0;
  uint64_t enhanced = 0;  // of both
  bool unpublished = false, closed = false;

  void on_end(rtmp::End) override { unpublished = true; }
  std::span<std::byte> begin(uint32_t, const rtmp::MessageHeader&, Bytes) override { return {}; }
  void complete(uint32_t, const rtmp::MessageHeader& header, Bytes prefix, std::span<std::byte>) override {
    const bool picture = header.type == rtmp::kVideo;
    const rtmp::MediaHeader parsed = picture ? rtmp::MediaHeader(rtmp::parse_video_header(prefix))
                                             : rtmp::MediaHeader(rtmp::parse_audio_header(prefix));
    if (parsed.kind != rtmp::PacketKind::kFrame) return;
    ++(picture ? video : audio);
    if (parsed.enhanced) ++enhanced;
  }
  void abandon(uint32_t) override {}

  void send() {
    ByteVector out = server->take_output();
    if (!out.empty()) ::send(socket.get(), out.data(), out.size(), MSG_NOSIGNAL);
  }
  void read(Loop& loop) {
    static std::array<std::byte, 65536> buffer;
    for (;;) {
      ssize_t got = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0 || !server->feed(Bytes(buffer).first(static_cast<size_t>(got)), *this, this)) {
        loop.unwatch(socket.get());
        socket.reset();
        closed = true;
        return;
      }
      send();
    }
  }
};

int run(const std::string& keys_folder) {
  auto keys = ticket::load_node_keys(keys_folder);
  if (!keys) {
    std::fprintf(stderr, "%s\n", keys.error().message.c_str());
    return 1;
  }
  ticket::Verifier verifier(*keys);
  UniqueFd listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listening.get(), SOMAXCONN) != 0)
    return 1;
  ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &size);

  Loop loop;
  SignalWatch signals(loop, {SIGTERM}, [&](int) { loop.stop(); });
  std::map<uint32_t, std::vector<std::unique_ptr<Session>>> sessions;
  auto admit = [&](ingest::Admitted admitted) {
    auto restored = rtmp::Server::restore(admitted.state);
    if (!restored) return;
    auto& list = sessions[admitted.ticket.station];
    Session& session = *list.emplace_back(std::make_unique<Session>());
    session.station = admitted.ticket.station;
    session.socket = std::move(admitted.socket);
    session.server = std::move(*restored);
    session.server->accept_publish();
    [[maybe_unused]] auto fed = session.server->feed({}, session, &session);
    session.send();
    loop.watch(session.socket.get(), EPOLLIN, [&](uint32_t) { session.read(loop); });
  };
  ingest::Listener listener(loop, system_clock(), verifier, {},
                            {.decide = {}, .admitted = admit, .refused = {}});
  listener.add(std::move(listening));
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  loop.run();

  std::string out;
  for (const auto& [station, list] : sessions) {
    std::string entries;
    for (const auto& session : list)
      entries += (entries.empty() ? "" : ",") +
                 JsonLine()
                     .field("video", session->video)
                     .field("audio", session->audio)
                     .field("enhanced", session->enhanced)
                     .field("capabilities", uint64_t{session->server->connect_request().caps_ex.value_or(0)})
                     .field("unpublished", session->unpublished)
                     .field("closed", session->closed)
                     .take();
    out += (out.empty() ? "" : ",") + JsonLine::quoted(std::to_string(station)) + ":[" + entries + "]";
  }
  std::printf("{%s}\n", out.c_str());
  return 0;
}

}  // namespace
}  // namespace headgate

int main(int argc, char** argv) {
  return argc == 2 ? headgate::run(argv[1]) : 2;
}
