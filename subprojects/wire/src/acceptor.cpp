// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wire/channel.h>

#include <cerrno>

#include "address.h"

namespace headgate::wire {
namespace {

constexpr int kBacklog = 64;

// What a name stands for; nothing: there is none.
struct Inode {
  dev_t device = 0;
  ino_t number = 0;
  bool operator==(const Inode&) const = default;
};

Inode inode_of(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 ? Inode{status.st_dev, status.st_ino} : Inode{};
}

bool of_our_user(int fd) {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

Result<UniqueFd> listening_socket(const std::string& path) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("socket");
  // The inode that bind() makes takes its mode from here.
  if (::fchmod(fd.get(), 0600) != 0) return errno_error("fchmod " + path);
  auto address = socket_address(path);
  if (!address) return Unexpected(address.error());
  auto* generic = reinterpret_cast<const sockaddr*>(&address->address);
  if (::bind(fd.get(), generic, sizeof address->address) != 0) return errno_error("bind " + path);
  if (::listen(fd.get(), kBacklog) != 0) return errno_error("listen " + path);
  return fd;
}

}  // namespace

struct Acceptor::State {
  Loop& loop;
  UniqueFd fd;
  std::string path;
  Inode inode;  // of the socket's name
  OnChannel on_channel;

  void accept_all() {
    for (;;) {
      UniqueFd socket(::accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (!socket) return;
      if (of_our_user(socket.get())) on_channel(std::make_unique<Channel>(loop, std::move(socket)));
    }
  }
};

Result<std::unique_ptr<Acceptor>> Acceptor::listen(Loop& loop, const std::string& path,
                                                   OnChannel on_channel) {
  if (Channel::connect(loop, path)) return Unexpected(EADDRINUSE, path + ": a running process listens there");
  // Bound under another name and moved over the old one: whoever sees the name can connect.
  std::string fresh = path + "." + std::to_string(::getpid());
  ::unlink(fresh.c_str());
  auto fd = listening_socket(fresh);
  if (!fd) return Unexpected(fd.error());
  const Inode inode = inode_of(fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    auto error = errno_error("rename " + fresh);
    ::unlink(fresh.c_str());
    return error;
  }
  auto state = std::make_unique<State>(State{loop, *std::move(fd), path, inode, std::move(on_channel)});
  State* raw = state.get();
  loop.watch(raw->fd.get(), EPOLLIN, [raw](uint32_t) { raw->accept_all(); });
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(state)));
}

Acceptor::Acceptor(std::unique_ptr<State> state) : state_(std::move(state)) {}

Acceptor::~Acceptor() {
  state_->loop.unwatch(state_->fd.get());
  // The name may be a successor's by now.
  if (inode_of(state_->path) == state_->inode) ::unlink(state_->path.c_str());
}

}  // namespace headgate::wire
