// SPDX-License-Identifier: LGPL-2.1-or-later
#include "farewell.h"

#include <rtmp/server.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace headgate::worker {

Farewells::~Farewells() {
  while (!all_.empty()) end(all_.begin()->first);
}

void Farewells::refuse(UniqueFd connection, Bytes state, int code, const std::string& text) {
  auto server = rtmp::Server::restore(state);
  if (!connection || !server || server->phase() != rtmp::Server::Phase::kPublishAsked) return;
  if (all_.size() >= kMaxFarewells) return;
  server->refuse_publish(code, text);
  ByteVector output = server->take_output();
  // A few hundred bytes into an empty buffer: all or nothing.
  if (::send(connection.get(), output.data(), output.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) return;
  // Closed now, what the publisher still sends would reset the connection and overtake the text.
  ::shutdown(connection.get(), SHUT_WR);
  uint64_t id = ++last_id_;
  One& one = all_[id];
  one.connection = std::move(connection);
  one.deadline = loop_.after_ms(kFarewellMs, [this, id] { end(id); });
  loop_.watch(one.connection.get(), EPOLLIN, [this, id](uint32_t) { drain(id); });
}

void Farewells::drain(uint64_t id) {
  std::array<std::byte, 16 * 1024> unread;
  ssize_t size = ::recv(all_.at(id).connection.get(), unread.data(), unread.size(), MSG_DONTWAIT);
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return;
  end(id);
}

void Farewells::end(uint64_t id) {
  auto found = all_.find(id);
  loop_.cancel(found->second.deadline);
  loop_.unwatch(found->second.connection.get());
  all_.erase(found);
}

}  // namespace headgate::worker
