// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp_session.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace headgate::ticketsrc {

Result<std::unique_ptr<Session>> RtmpSession::open(UniqueFd socket, Bytes state, Now now) {
  auto server = rtmp::Server::restore(state);
  if (!server) return Unexpected(server.error());
  if (server->phase() != rtmp::Server::Phase::kPublishAsked)
    return Unexpected("the session's saved state does not wait for an answer to `publish`");
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return Unexpected(errno, std::string("the session's descriptor: ") + std::strerror(errno));
  return std::unique_ptr<Session>(new RtmpSession(std::move(socket), std::move(server).value(), now));
}

RtmpSession::RtmpSession(UniqueFd socket, rtmp::Server server, Now now)
    : Session(now), socket_(std::move(socket)), server_(std::move(server)) {
  server_.accept_publish();
  feed({});  // what came behind `publish`
  send_output();
}

void RtmpSession::read(std::span<std::byte> scratch) {
  for (int reads = 0; reads < kMaxReads && !ended(); ++reads) {
    const ssize_t got = recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (got == 0) return end("disconnect");
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) end("disconnect");
      break;
    }
    feed({scratch.data(), static_cast<size_t>(got)});
    if (static_cast<size_t>(got) < scratch.size()) break;
  }
  send_output();
}

void RtmpSession::feed(Bytes data) {
  if (auto fed = server_.feed(data, *this, this); !fed) end("error:" + fed.error().message);
}

// Acks and the answer to `publish`: what the socket does not take now is sent on the next wake-up.
void RtmpSession::send_output() {
  if (server_.has_output()) {
    const ByteVector output = server_.take_output();
    unsent_.insert(unsent_.end(), output.begin(), output.end());
  }
  if (unsent_.empty() || !socket_) return;
  const ssize_t sent = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent > 0) unsent_.erase(unsent_.begin(), unsent_.begin() + sent);
  if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) end("disconnect");
  if (unsent_.size() > rtmp::Limits{}.max_output_bytes)
    end("error:the publisher does not read what it is answered");
}

void RtmpSession::say_goodbye(const std::string& reason, std::span<std::byte> scratch) {
  if (server_.phase() != rtmp::Server::Phase::kPublishing) return;
  server_.end_publish(reason);
  send_output();
  shutdown(socket_.get(), SHUT_WR);
  // What is left unread when the socket is closed resets the connection, and may overtake what was said.
  for (int reads = 0; reads < kMaxReads; ++reads)
    if (recv(socket_.get(), scratch.data(), scratch.size(), MSG_DONTWAIT) <= 0) return;
}

// As Flash Media Server tells players (NetStream.Play.InsufficientBW): clients that do not know the code pass
// over it.
void RtmpSession::tell_uplink(bool late, int64_t late_ms) {
  if (late)
    server_.send_notice("warning", "NetStream.Publish.InsufficientBW",
                        "Your picture arrives " + std::to_string(late_ms / 1000) +
                            " s late: the connection is too slow for what you send.");
  else
    server_.send_notice("status", "NetStream.Publish.SufficientBW", "Your picture arrives in time again.");
  send_output();
}

bool RtmpSession::ask_to_reconnect(const std::string& url, const std::string& text) {
  const bool asked = server_.request_reconnect(url, text);
  send_output();
  return asked;
}

void RtmpSession::on_end(rtmp::End) {
  end("unpublish");
}

void RtmpSession::on_metadata(const rtmp::Metadata& metadata) {
  if (!metadata.has_video && !metadata.has_audio) return;
  announce(metadata.has_video.value_or(false), metadata.has_audio.value_or(false));
}

}  // namespace headgate::ticketsrc
