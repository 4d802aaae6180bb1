// SPDX-License-Identifier: LGPL-2.1-or-later
#include <wire/channel.h>

#include <base/io.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <span>

#include "address.h"

namespace headgate::wire {
namespace {

constexpr int kPacketsPerRound = 64;  // then other descriptors of the loop have their turn

union ControlBuffer {
  cmsghdr align;
  std::array<char, CMSG_SPACE(kMaxFds * sizeof(int))> bytes;
};

struct Packet {
  ByteVector bytes;
  std::vector<UniqueFd> fds;
};

// 1: sent, 0: would block, -1: error.
int send_packet(int socket, std::span<iovec> parts, const std::vector<int>& fds) {
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  if (!fds.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  for (;;) {
    if (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 1;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }
}

int send_message(int socket, Bytes bytes, const std::vector<int>& fds) {
  iovec part{const_cast<std::byte*>(bytes.data()), bytes.size()};
  return send_packet(socket, {&part, 1}, fds);
}

std::vector<UniqueFd> received_fds(msghdr& message) {
  std::vector<UniqueFd> out;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      out.emplace_back(fd);
    }
  }
  return out;
}

}  // namespace

struct Channel::State : std::enable_shared_from_this<Channel::State> {
  State(Loop& its_loop, UniqueFd its_socket) : loop(its_loop), socket(std::move(its_socket)) {}

  Loop& loop;
  UniqueFd socket;
  OnMessage on_message;
  OnClosed on_closed;
  std::deque<Packet> queue;  // not taken by the peer yet
  size_t queued_bytes = 0, queued_fds = 0;
  unsigned held = 0;  // hold() without its release()
  bool started = false;
  std::optional<Version> peer_version;
  Age peer = Age::same;
  bool heard = false;         // the peer's first packet
  bool incompatible = false;  // of the peer: it is closed
  bool closed = false;        // no more I/O
  bool destroyed = false;     // the Channel is gone: no more callbacks

  void close_socket() {
    if (closed) return;
    closed = true;
    loop.unwatch(socket.get());
    socket.reset();
    queue.clear();
  }

  void fail_later() {
    close_socket();
    loop.post([self = shared_from_this()] { self->tell_closed(); });
  }

  void tell_closed() {
    if (destroyed || !started) return;
    if (auto callback = std::exchange(on_closed, nullptr)) callback();
  }

  void watch() {
    loop.watch(socket.get(), wanted(), [self = shared_from_this()](uint32_t events) { self->on_io(events); });
  }
  uint32_t wanted() const { return EPOLLIN | (queue.empty() ? 0u : static_cast<uint32_t>(EPOLLOUT)); }

  void on_io(uint32_t events) {
    auto keep = shared_from_this();
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive();
  }

  void flush() {
    while (!queue.empty()) {
      int sent = queue.front().fds.empty() ? send_several() : send_first();
      if (sent == 0) break;
      if (sent < 0) {
        const int error = errno;
        queue.clear();
        queued_bytes = queued_fds = 0;
        // What a peer said before it went is still to be read, then the end. Anything else is the end at
        // once: with messages lost in between, the rest would be wrong.
        if (error != EPIPE && error != ECONNRESET) return fail_later();
        break;
      }
      for (; sent > 0; --sent) {
        queued_bytes -= queue.front().bytes.size();
        queued_fds -= queue.front().fds.size();
        queue.pop_front();
      }
    }
    if (started) loop.rewatch(socket.get(), wanted());
  }

  int send_first() {
    std::vector<int> fds;
    for (UniqueFd& fd : queue.front().fds) fds.push_back(fd.get());
    return send_message(socket.get(), queue.front().bytes, fds);
  }

  // Those without descriptors at the queue's head, as one bundle: the peer wakes up once. How many went; 0:
  // would block, -1: error.
  int send_several() {
    size_t count = 0, bytes = kBundleHeadBytes;
    for (const Packet& packet : queue) {
      bytes += kBundledHeadBytes + packet.bytes.size();
      if (count == kMaxBundled || !packet.fds.empty() || bytes > kMaxMessageBytes) break;
      ++count;
    }
    if (count < 2) return send_first();
    std::array<std::byte, kBundleHeadBytes> head{};
    std::array<std::array<uint8_t, kBundledHeadBytes>, kMaxBundled> lengths;
    std::array<iovec, 1 + 2 * kMaxBundled> parts;
    parts[0] = {head.data(), head.size()};
    for (size_t i = 0; i < count; ++i) {
      const auto length = static_cast<uint32_t>(queue[i].bytes.size());
      for (unsigned byte = 0; byte < 4; ++byte)
        lengths[i][byte] = static_cast<uint8_t>(length >> (24 - 8 * byte));
      parts[1 + 2 * i] = {lengths[i].data(), lengths[i].size()};
      parts[2 + 2 * i] = {queue[i].bytes.data(), length};
    }
    const int sent = send_packet(socket.get(), std::span(parts).first(1 + 2 * count), {});
    return sent > 0 ? static_cast<int>(count) : sent;
  }

  void receive() {
    static thread_local std::array<std::byte, kMaxMessageBytes> buffer;
    for (int i = 0; i < kPacketsPerRound && !closed && !destroyed; ++i) {
      iovec part{buffer.data(), buffer.size()};
      ControlBuffer control{};
      msghdr header{};
      header.msg_iov = &part;
      header.msg_iovlen = 1;
      header.msg_control = control.bytes.data();
      header.msg_controllen = control.bytes.size();
      ssize_t size = ::recvmsg(socket.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      // The peer closed without having read all: what it has said before is still there.
      if (size < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
      if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      auto fds = size > 0 ? received_fds(header) : std::vector<UniqueFd>{};
      bool whole = size > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
      auto messages = whole ? read_packet(Bytes(buffer).first(static_cast<size_t>(size)))
                            : Result<std::vector<Message>>(Unexpected("end of connection"));
      if (!messages) {
        close_socket();
        tell_closed();
        return;
      }
      for (Message& message : *messages) {
        on_message(std::move(message), std::exchange(fds, {}));
        if (closed || destroyed) return;
      }
    }
  }

  // The peer's first packet has no message.
  Result<std::vector<Message>> read_packet(Bytes packet) {
    if (std::exchange(heard, true)) return decode_packet(packet, peer);
    peer_version = read_greeting(packet);
    const auto age = peer_version ? age_of(*peer_version) : std::nullopt;
    incompatible = !age;
    if (!age) return Unexpected("the peer speaks another protocol");
    peer = *age;
    return std::vector<Message>();
  }

  // A connection that is new takes a packet.
  void greet() {
    const auto first = greeting();
    const int sent = send_message(socket.get(), first, {});
    if (sent > 0 || (sent < 0 && (errno == EPIPE || errno == ECONNRESET))) return;
    fail_later();
  }

  bool enqueue(ByteVector bytes, const std::vector<int>& fds) {
    Packet packet{std::move(bytes), {}};
    for (int fd : fds) {
      packet.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
      if (!packet.fds.back()) return false;
    }
    queued_bytes += packet.bytes.size();
    queued_fds += packet.fds.size();
    if (queued_bytes > kMaxQueuedBytes || queued_fds > kMaxQueuedFds) return false;
    queue.push_back(std::move(packet));
    if (started && held == 0 && queue.size() == 1) loop.rewatch(socket.get(), wanted());
    return true;
  }
};

Result<std::unique_ptr<Channel>> Channel::connect(Loop& loop, const std::string& path) {
  auto address = socket_address(path);
  if (!address) return Unexpected(address.error());
  UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return errno_error("socket");
  auto* generic = reinterpret_cast<const sockaddr*>(&address->address);
  if (::connect(socket.get(), generic, sizeof address->address) != 0) return errno_error("connect " + path);
  return std::make_unique<Channel>(loop, std::move(socket));
}

Channel::Channel(Loop& loop, UniqueFd socket) : state_(std::make_shared<State>(loop, std::move(socket))) {
  state_->greet();
}

Channel::~Channel() {
  state_->destroyed = true;
  state_->close_socket();
}

void Channel::start(OnMessage on_message, OnClosed on_closed) {
  state_->on_message = std::move(on_message);
  state_->on_closed = std::move(on_closed);
  state_->started = true;
  if (state_->closed)
    state_->fail_later();
  else
    state_->watch();
}

void Channel::receive() {
  const auto keep = state_;
  if (keep->started && !keep->closed) keep->receive();
}

bool Channel::send(const Message& message, const std::vector<int>& fds) {
  State& state = *state_;
  if (state.closed) return false;
  ByteVector bytes;
  encode(message, bytes);
  if (bytes.size() > kMaxMessageBytes || fds.size() > kMaxFds) return false;
  if (state.queue.empty() && state.held == 0) {
    int sent = send_message(state.socket.get(), bytes, fds);
    if (sent > 0) return true;
    if (sent < 0) {
      if (errno == EPIPE || errno == ECONNRESET) return false;  // reading tells the rest, then the end
      state.fail_later();
      return false;
    }
  }
  if (state.enqueue(std::move(bytes), fds)) return true;
  state.fail_later();
  return false;
}

void Channel::hold() {
  ++state_->held;
}

void Channel::release() {
  State& state = *state_;
  if (--state.held == 0 && !state.closed && !state.queue.empty()) state.flush();
}

bool Channel::drained() const {
  return state_->queue.empty();
}

int Channel::peer_pid() const {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (state_->closed || ::getsockopt(state_->socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return 0;
  return peer.pid;
}

std::optional<Version> Channel::peer_version() const {
  return state_->peer_version;
}

bool Channel::incompatible() const {
  return state_->incompatible;
}

}  // namespace headgate::wire
