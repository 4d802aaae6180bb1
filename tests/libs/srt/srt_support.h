// SPDX-License-Identifier: LGPL-2.1-or-later
// A listener on loopback with keys of its own, and callers for it: one over libsrt that hears the reject
// code, and the real programs.
#pragma once

#include <srt/listener.h>
#include <srt/relay.h>
#include <srt/srt.h>

#include "ingest_support.h"

namespace headgate::srt::test {

using ingest::test::kEvent;
using ingest::test::kNow;
using ingest::test::kStation;

inline UniqueFd udp_on_loopback(uint16_t& port) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return fd;
}

inline std::string stream_id(const ticket::Issued& issued) {
  return "#!::m=publish,r=" + std::to_string(issued.ticket.station) + ",u=" + issued.ticket.wire_text();
}

// 7 TS null packets whose payload begins with `number`.
inline ByteVector numbered_payload(uint64_t number) {
  ByteVector out;
  ByteWriter writer(out);
  for (int i = 0; i < 7; ++i) {
    writer.u32(0x471fff10);
    writer.u64(number);
    writer.zeros(188 - 12);
  }
  return out;
}

// A caller that does not wait: state() tells how far it is.
class Caller {
 public:
  Caller(uint16_t port, const std::string& id, const std::string& passphrase, const char* from = "127.0.0.1",
         uint16_t from_port = 0)
      : socket_(srt_create_socket()) {
    const bool no = false;
    srt_setsockflag(socket_, SRTO_RCVSYN, &no, sizeof no);
    srt_setsockflag(socket_, SRTO_SNDSYN, &no, sizeof no);
    auto set = [&](SRT_SOCKOPT option, const std::string& value) {
      if (value.empty()) return;
      EXPECT_EQ(srt_setsockflag(socket_, option, value.data(), static_cast<int>(value.size())), 0);
    };
    const int largest = kMaxPayload;
    srt_setsockflag(socket_, SRTO_PAYLOADSIZE, &largest, sizeof largest);
    set(SRTO_STREAMID, id);
    set(SRTO_PASSPHRASE, passphrase);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(::inet_pton(AF_INET, from, &address.sin_addr), 1);
    address.sin_port = htons(from_port);
    EXPECT_EQ(srt_bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_NE(srt_connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), SRT_ERROR);
  }
  static Caller of(uint16_t port, const ticket::Issued& issued, const char* from = "127.0.0.1") {
    return Caller(port, stream_id(issued), ticket::srt_passphrase(issued.seed, issued.ticket), from);
  }
  Caller(Caller&& other) noexcept : socket_(std::exchange(other.socket_, SRT_INVALID_SOCK)) {}
  Caller& operator=(Caller&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  Caller(const Caller&) = delete;
  ~Caller() { close(); }
  void close() {
    if (socket_ != SRT_INVALID_SOCK) srt_close(std::exchange(socket_, SRT_INVALID_SOCK));
  }
  bool connected() const { return srt_getsockstate(socket_) == SRTS_CONNECTED; }
  bool over() const { return srt_getsockstate(socket_) >= SRTS_BROKEN; }
  SRTSOCKET id() const { return socket_; }
  int reject_code() const { return srt_getrejectreason(socket_); }
  bool send(Bytes payload) {
    return srt_sendmsg2(socket_, reinterpret_cast<const char*>(payload.data()),
                        static_cast<int>(payload.size()), nullptr) == static_cast<int>(payload.size());
  }

 private:
  SRTSOCKET socket_;
};

// The session's end of a pair, read to the end of what is there.
struct Session {
  explicit Session(UniqueFd fd) : stream(std::move(fd)) { ::fcntl(stream.get(), F_SETFL, O_NONBLOCK); }
  void read() {
    std::array<std::byte, kMaxPacket + 1> buffer;
    for (;;) {
      const ssize_t got = ::recv(stream.get(), buffer.data(), buffer.size(), 0);
      if (got < 0) return;
      if (got == 0) {
        ended = true;
        return;
      }
      auto packet = decode_relay(Bytes(buffer).first(static_cast<size_t>(got)));
      ASSERT_TRUE(packet) << packet.error().message;
      if (auto* link = std::get_if<LinkStats>(&*packet)) {
        stats.push_back(*link);
        continue;
      }
      const auto* hole = std::get_if<AfterHole>(&*packet);
      const Bytes payload = hole ? hole->payload : std::get<Bytes>(*packet);
      ++payloads;
      bytes += payload.size();
      if (payload.size() < 12) continue;
      ByteReader reader(payload);
      reader.skip(4);
      numbers.push_back(reader.u64());
      if (hole) holes[numbers.back()] = hole->missing;
    }
  }
  UniqueFd stream;
  bool ended = false;
  size_t payloads = 0, bytes = 0;
  std::vector<uint64_t> numbers;       // of numbered_payload()
  std::map<uint64_t, unsigned> holes;  // before which numbers, and how many payloads
  std::vector<LinkStats> stats;
};

class Fixture : public testing::Test {
 protected:
  static void SetUpTestSuite() { srt_startup(); }
  static void TearDownTestSuite() { srt_cleanup(); }

  void start(Policy policy = {}) {
    verifier_.emplace(keys_.node());
    Callbacks callbacks;
    callbacks.allows = [this](const sockaddr_storage& address) {
      return ingest::make_peer(address).address != forbidden_;
    };
    callbacks.may_enter = [this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
      return may_enter_(ticket, claimant);
    };
    callbacks.decide = [this](const ticket::Ticket& ticket, const ticket::Claimant& claimant) {
      return decide_(ticket, claimant);
    };
    callbacks.admitted = [this](Admitted one) { admitted_.push_back(std::move(one)); };
    callbacks.refused = [this](const ingest::Refused& one) { refused_.push_back(one); };
    auto made = Listener::create(loop_, *clock_, *verifier_, policy, callbacks);
    ASSERT_TRUE(made) << made.error().message;
    listener_ = *std::move(made);
    auto added = listener_->add(udp_on_loopback(port_));
    ASSERT_TRUE(added) << added.error().message;
  }
  bool wait_for(const std::function<bool()>& condition, int seconds = 20) {
    return headgate::test::run_until(loop_, condition, std::chrono::seconds(seconds));
  }
  // Calls, and waits until it is refused; what the caller hears.
  int code_of(const std::string& id, const std::string& passphrase, const char* from = "127.0.0.1") {
    Caller caller(port_, id, passphrase, from);
    EXPECT_TRUE(wait_for([&] { return caller.over() || caller.connected(); }));
    EXPECT_FALSE(caller.connected()) << id;
    return caller.reject_code();
  }
  int code_of(const ticket::Issued& issued, const char* from = "127.0.0.1") {
    return code_of(stream_id(issued), passphrase_of(issued), from);
  }
  static std::string passphrase_of(const ticket::Issued& issued) {
    return ticket::srt_passphrase(issued.seed, issued.ticket);
  }
  ticket::Issued issue(uint32_t station = kStation) {
    const int64_t now = clock_->utc_seconds();
    return keys_.issue(station, now - 3600, now + 3600);
  }
  // Of the newest admitted one.
  Session session() {
    Session out(std::move(admitted_.back().stream));
    return out;
  }

  ingest::test::Keys keys_;
  Loop loop_;
  ManualClock manual_clock_{kNow * 1'000'000, 5'000'000'000};
  const Clock* clock_ = &system_clock();  // or the other one, before start()
  std::optional<ticket::Verifier> verifier_;
  std::function<Result<void>(const ticket::Ticket&, const ticket::Claimant&)> may_enter_ =
      [](const ticket::Ticket&, const ticket::Claimant&) { return Result<void>(); };
  std::function<Result<ingest::Grant>(const ticket::Ticket&, const ticket::Claimant&)> decide_ =
      [](const ticket::Ticket&, const ticket::Claimant&) {
        return ingest::Grant{"first", 7};
      };
  std::string forbidden_;  // address
  std::vector<Admitted> admitted_;
  std::vector<ingest::Refused> refused_;
  std::unique_ptr<Listener> listener_;
  uint16_t port_ = 0;
};

}  // namespace headgate::srt::test
