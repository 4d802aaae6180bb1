// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay_thread.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace headgate::srt {
namespace {

constexpr int64_t kWaitMs = 20;     // for events; then commands are looked at
constexpr size_t kEvents = 1024;    // at once
constexpr int kReadsPerRound = 32;  // then other connections have their turn
constexpr int64_t kStatsUs = 1'000'000;
constexpr int64_t kStatsCheckUs = 100'000;
// What is in the buffer when a publisher goes is due within the latency; a little more for this machine.
constexpr int64_t kEndMarginUs = 50'000;
const int kReading = SRT_EPOLL_IN | SRT_EPOLL_ERR;
constexpr uint64_t kPacketOverhead = 16 + 28;            // SRT's header; UDP's and IP's
constexpr size_t kHeadBytes = kMaxPacket - kMaxPayload;  // room in front of a payload

// Payloads between two: one for each sequence number, of 31 bits.
unsigned missing_before(std::optional<int32_t> last, int32_t sequence) {
  if (!last) return 0;
  const uint32_t step = (static_cast<uint32_t>(sequence) - static_cast<uint32_t>(*last)) & 0x7fffffff;
  return step == 0 ? 0 : std::min(step - 1, uint32_t{kManyMissing});
}

// The packet of a payload of `size` bytes that stands behind kHeadBytes.
Bytes marked(std::span<std::byte> buffer, size_t size, unsigned missing) {
  const Bytes whole = Bytes(buffer).first(kHeadBytes + size);
  if (missing > 0) {
    buffer[0] = kHoleMark;
    buffer[1] = static_cast<std::byte>(missing);
    return whole;
  }
  if (whole[kHeadBytes] == kTsSync) return whole.subspan(kHeadBytes);
  buffer[1] = kUnalignedMark;
  return whole.subspan(1);
}

}  // namespace

RelayThread::RelayThread(const Clock& clock, Events events)
    : clock_(clock), events_(std::move(events)), epoll_(srt_epoll_create()) {
  srt_epoll_set(epoll_, SRT_EPOLL_ENABLE_EMPTY);
  thread_ = std::thread([this] { run(); });
}

RelayThread::~RelayThread() {
  stopping_ = true;
  thread_.join();
  links_.clear();
  srt_epoll_release(epoll_);
}

void RelayThread::command(Command command) {
  commands_.lock()->push_back(std::move(command));
}

bool RelayThread::accept_from(SRTSOCKET listener) {
  listeners_.lock()->push_back(listener);
  return srt_epoll_add_usock(epoll_, listener, &kReading) == 0;
}

bool RelayThread::is_listener(SRTSOCKET socket) {
  auto listeners = listeners_.lock();
  return std::ranges::find(*listeners, socket) != listeners->end();
}

void RelayThread::start(Socket socket, UniqueFd pair) {
  const SRTSOCKET id = socket.get();
  command({Command::kStart, id, std::move(socket), std::move(pair)});
}

void RelayThread::resume(SRTSOCKET socket) {
  command({Command::kResume, socket, {}, {}});
}

void RelayThread::stop(SRTSOCKET socket) {
  command({Command::kStop, socket, {}, {}});
}

void RelayThread::run() {
  std::vector<SRT_EPOLL_EVENT> ready(kEvents);
  while (!stopping_) {
    take_commands();
    const int count = srt_epoll_uwait(epoll_, ready.data(), static_cast<int>(ready.size()), kWaitMs);
    // More than fit are told as one more than fit.
    for (int i = 0; i < std::min(count, static_cast<int>(ready.size())); ++i) {
      const SRTSOCKET socket = ready[static_cast<size_t>(i)].fd;
      if (auto link = links_.find(socket); link != links_.end())
        read(link->second);
      else if (is_listener(socket))
        accept_all(socket);
      else
        srt_epoll_remove_usock(epoll_, socket);
    }
    read_ending();
    if (const int64_t now_us = clock_.mono_us(); now_us - stats_checked_us_ >= kStatsCheckUs)
      send_stats(now_us);
    links_count_ = links_.size();
  }
}

void RelayThread::take_commands() {
  std::vector<Command> commands;
  commands.swap(*commands_.lock());
  for (Command& one : commands) {
    auto link = links_.find(one.socket);
    switch (one.kind) {
      case Command::kStart:
        begin(std::move(one.owned), std::move(one.pair));
        break;
      case Command::kResume:
        if (link != links_.end()) go_on(link->second);
        break;
      case Command::kStop:
        if (link != links_.end()) end(link->second);
        break;
    }
  }
}

void RelayThread::accept_all(SRTSOCKET listener) {
  for (;;) {
    const SRTSOCKET socket = srt_accept(listener, nullptr, nullptr);
    if (socket == SRT_INVALID_SOCK) return;
    events_.accepted(socket);
  }
}

void RelayThread::begin(Socket socket, UniqueFd pair) {
  const SRTSOCKET id = socket.get();
  Link& link = links_[id];
  link.socket = std::move(socket);
  link.pair = std::move(pair);
  int latency_ms = 0, size = sizeof latency_ms;
  if (srt_getsockflag(id, SRTO_RCVLATENCY, &latency_ms, &size) == 0)
    link.stats.latency_ms = static_cast<uint32_t>(std::max(latency_ms, 0));
  link.rate_since_us = clock_.mono_us();
  link.stats_due_us = link.rate_since_us + kStatsUs;
  subscribe(link);
}

// libsrt tells nothing of a socket that was broken before: reading finds out. The pair's size bounds it.
void RelayThread::subscribe(Link& link) {
  srt_epoll_add_usock(epoll_, link.socket.get(), &kReading);
  while (read(link)) {
  }
}

bool RelayThread::read(Link& link) {
  std::array<std::byte, kMaxPacket> buffer;
  for (int i = 0; i < kReadsPerRound; ++i) {
    SRT_MSGCTRL control = srt_msgctrl_default;
    const int got = srt_recvmsg2(link.socket.get(), reinterpret_cast<char*>(buffer.data() + kHeadBytes),
                                 kMaxPayload, &control);
    if (got <= 0) {
      if (got == 0 || srt_getlasterror(nullptr) == SRT_EASYNCRCV) return false;
      // Broken. What is not due yet can be read later, for as long as the socket is kept.
      if (link.ends_us != 0) return false;
      srt_epoll_remove_usock(epoll_, link.socket.get());
      link.ends_us = clock_.mono_us() + int64_t{link.stats.latency_ms} * 1000 + kEndMarginUs;
      ending_.push_back(link.socket.get());
      return false;
    }
    const unsigned missing = missing_before(link.last, control.pktseq);
    link.last = control.pktseq;
    ++link.payloads;
    link.payload_bytes += static_cast<uint64_t>(got);
    link.missing += missing;
    const Bytes packet = marked(buffer, static_cast<size_t>(got), missing);
    switch (send(link, packet)) {
      case Sent::kYes:
        break;
      case Sent::kFull:
        hold(link, packet);
        return false;
      case Sent::kClosed:
        end(link);
        return false;
    }
  }
  return true;
}

void RelayThread::read_ending() {
  if (ending_.empty()) return;
  const int64_t now_us = clock_.mono_us();
  const std::vector<SRTSOCKET> sockets = ending_;  // end() takes them out
  for (SRTSOCKET socket : sockets) {
    Link& link = links_.at(socket);
    if (link.held_since_us != 0) continue;
    const bool over = now_us >= link.ends_us;
    while (read(link) && over) {
    }
    if (auto still = links_.find(socket); over && still != links_.end() && still->second.held_since_us == 0)
      end(still->second);
  }
}

RelayThread::Sent RelayThread::send(Link& link, Bytes packet) {
  for (;;) {
    if (::send(link.pair.get(), packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
      return Sent::kYes;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ? Sent::kFull : Sent::kClosed;
  }
}

void RelayThread::hold(Link& link, Bytes packet) {
  std::ranges::copy(packet, link.kept.begin());
  link.kept_size = packet.size();
  link.held_since_us = clock_.mono_us();
  srt_epoll_remove_usock(epoll_, link.socket.get());
  events_.held(link.socket.get(), link.pair.get());
}

void RelayThread::go_on(Link& link) {
  if (link.held_since_us == 0) return;
  const Sent sent = send(link, Bytes(link.kept).first(link.kept_size));
  if (sent == Sent::kFull) return events_.held(link.socket.get(), link.pair.get());
  if (sent == Sent::kClosed) return end(link);
  link.stats.held_ms += static_cast<uint64_t>((clock_.mono_us() - link.held_since_us) / 1000);
  link.held_since_us = 0;
  if (link.ends_us == 0) subscribe(link);
}

void RelayThread::end(Link& link) {
  send_last_stats(link);
  const SRTSOCKET socket = link.socket.get();
  std::erase(ending_, socket);
  UniqueFd pair = std::move(link.pair);
  links_.erase(socket);  // closes it
  events_.ended(socket, std::move(pair));
}

void RelayThread::send_stats(int64_t now_us) {
  stats_checked_us_ = now_us;
  for (auto& [socket, link] : links_) {
    if (now_us < link.stats_due_us || link.held_since_us != 0 || link.ends_us != 0) continue;
    link.stats_due_us = now_us + kStatsUs;
    measure(link, now_us);
    stats_packet_.clear();
    encode(link.stats, stats_packet_);
    send(link, stats_packet_);  // a pair that is full or closed is found with the next payload
  }
}

// Of a broken socket libsrt tells nothing. All of it has been read.
void RelayThread::send_last_stats(Link& link) {
  LinkStats& stats = link.stats;
  const int64_t now_us = clock_.mono_us();
  const uint64_t bytes = link.payload_bytes + link.payloads * kPacketOverhead;
  set_rate(link, std::max(bytes, stats.received_bytes), now_us);
  stats.received_packets = std::max(stats.received_packets, link.payloads);
  stats.dropped_packets = std::max(stats.dropped_packets, link.missing);
  stats.buffer_ms = 0;
  stats_packet_.clear();
  encode(stats, stats_packet_);
  send(link, stats_packet_);  // a session that has gone, or takes nothing, does without
}

void RelayThread::set_rate(Link& link, uint64_t received_bytes, int64_t now_us) {
  LinkStats& stats = link.stats;
  const auto past_us = static_cast<uint64_t>(std::max<int64_t>(now_us - link.rate_since_us, 1));
  stats.rate_kbps = static_cast<uint32_t>((received_bytes - stats.received_bytes) * 8000 / past_us);
  stats.received_bytes = received_bytes;
  stats.mono_us = link.rate_since_us = now_us;
}

void RelayThread::measure(Link& link, int64_t now_us) {
  SRT_TRACEBSTATS now{};
  if (srt_bstats(link.socket.get(), &now, 1) != 0) return;
  auto count = [](auto value) { return static_cast<uint64_t>(std::max<decltype(value)>(value, 0)); };
  auto kbps = [](double mbps) { return static_cast<uint32_t>(std::clamp(mbps * 1000, 0.0, 4e9)); };
  LinkStats& stats = link.stats;
  set_rate(link, now.byteRecvUniqueTotal, now_us);
  stats.received_packets = count(now.pktRecvUniqueTotal);
  stats.retransmitted_packets += count(now.pktRcvRetrans);
  stats.lost_packets = count(now.pktRcvLossTotal);
  stats.dropped_packets = count(now.pktRcvDropTotal);
  stats.undecrypted_packets = count(now.pktRcvUndecryptTotal);
  stats.rtt_us = static_cast<uint32_t>(std::clamp(now.msRTT * 1000, 0.0, 4e9));
  stats.bandwidth_kbps = kbps(now.mbpsBandwidth);
  stats.buffer_ms = static_cast<uint32_t>(std::max(now.msRcvBuf, 0));
  stats.latency_ms = static_cast<uint32_t>(std::max(now.msRcvTsbPdDelay, 0));
}

}  // namespace headgate::srt
