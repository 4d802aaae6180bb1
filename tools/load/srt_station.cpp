// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/srt_station.h>
#include <netinet/in.h>
#include <srt/srt.h>
#include <sys/syslog.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace headgate::load {
namespace {

constexpr int64_t kLookUs = 20'000;  // between two looks at a socket that has nothing to say by itself
constexpr int kKeyBytes = 16;
// What a caller needs: nothing comes back but acknowledgements, and of a stall or a slow server a few seconds
// of a low-rate stream are kept.
constexpr int kReceivePackets = 32, kSendPackets = 1024;
constexpr int kPacketBytes = 1456;

template <typename Value>
bool set(SRTSOCKET socket, SRT_SOCKOPT option, Value value) {
  return srt_setsockflag(socket, option, &value, sizeof value) == 0;
}

bool set_text(SRTSOCKET socket, SRT_SOCKOPT option, const std::string& value) {
  return srt_setsockflag(socket, option, value.data(), static_cast<int>(value.size())) == 0;
}

bool prepare(SRTSOCKET socket, const SrtPlan& plan) {
  const linger none{};
  return set(socket, SRTO_TRANSTYPE, SRTT_LIVE) && set(socket, SRTO_SNDSYN, false) &&
         set(socket, SRTO_RCVSYN, false) && set(socket, SRTO_LINGER, none) &&
         set(socket, SRTO_CONNTIMEO, static_cast<int>(kAnswerSeconds * 1000)) &&
         set(socket, SRTO_FC, kReceivePackets) && set(socket, SRTO_RCVBUF, kReceivePackets * kPacketBytes) &&
         set(socket, SRTO_SNDBUF, kSendPackets * kPacketBytes) && set(socket, SRTO_PBKEYLEN, kKeyBytes) &&
         set_text(socket, SRTO_PASSPHRASE, plan.passphrase) &&
         set_text(socket, SRTO_STREAMID, plan.stream_id);
}

std::string last_error() {
  return std::string("SRT: ") + srt_getlasterror_str();
}

sockaddr* as_sockaddr(Address& address) {
  return reinterpret_cast<sockaddr*>(&address.storage);
}

}  // namespace

SrtPorts::SrtPorts() {
  srt_startup();
  srt_setloglevel(LOG_CRIT);
}

SrtPorts::~SrtPorts() {
  srt_cleanup();
}

bool SrtPorts::bind(int socket, size_t index, const Address& local, int family) {
  const std::string key(reinterpret_cast<const char*>(&local.storage), local.size);
  Address& address = bound_[{index / kCallersPerPort, key}];
  if (address.size > 0) return srt_bind(socket, as_sockaddr(address), static_cast<int>(address.size)) == 0;
  Address any = local;
  if (any.size == 0) {
    any.storage.ss_family = static_cast<sa_family_t>(family);
    any.size = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  }
  int size = sizeof any.storage;
  if (srt_bind(socket, as_sockaddr(any), static_cast<int>(any.size)) != 0 ||
      srt_getsockname(socket, as_sockaddr(any), &size) != 0)
    return false;
  address = any;  // with the port that the kernel chose
  return true;
}

SrtStation::SrtStation(LoadShared& shared, int64_t& due_us, const TsClip& clip, SrtPorts& ports, SrtPlan plan,
                       size_t index, uint32_t first_keyframe, bool log_keyframes)
    : Station(shared, due_us, plan.number),
      clip_(clip),
      ports_(ports),
      plan_(std::move(plan)),
      index_(index),
      first_(first_keyframe),
      log_keyframes_(log_keyframes) {}

SrtStation::~SrtStation() {
  drop_connection();
}

void SrtStation::drop_connection() {
  if (socket_ != kNoSocket) srt_close(std::exchange(socket_, kNoSocket));
}

void SrtStation::serve(int64_t now) {
  switch (state_) {
    case State::kIdle:
      begin_session(now);
      return open(now);
    case State::kConnecting:
      return look(now);
    case State::kLive:
      return pump(now);
    case State::kDraining:
      return drain(now);
    default:
      due_us_ = kNever;
  }
}

void SrtStation::open(int64_t now) {
  next_ = 0;
  due_us_ = now + kLookUs;
  socket_ = srt_create_socket();
  if (socket_ == SRT_INVALID_SOCK || !prepare(socket_, plan_) ||
      !ports_.bind(socket_, index_, plan_.local, plan_.server.storage.ss_family))
    return fail(now, Ended::kRefused, last_error());
  Address server = plan_.server;
  if (srt_connect(socket_, as_sockaddr(server), static_cast<int>(server.size)) == SRT_ERROR)
    fail(now, Ended::kRefused, last_error());
}

bool SrtStation::broken() const {
  return srt_getsockstate(socket_) >= SRTS_BROKEN;
}

void SrtStation::look(int64_t now) {
  due_us_ = now + kLookUs;
  if (srt_getsockstate(socket_) == SRTS_CONNECTED) {
    accepted(now, 0);
    return pump(now);
  }
  if (!broken()) return;
  const int code = srt_getrejectreason(socket_);
  const char* text = srt_rejectreason_str(code);
  fail(now, Ended::kRefused, "rejected: " + std::to_string(code) + (text ? std::string(" ") + text : ""));
}

int64_t SrtStation::payload_due(uint64_t payload) const {
  const auto payloads = clip_.payloads();
  const uint64_t index = first_ + payload;
  const int64_t ms = payloads[index % payloads.size()].time_ms - int64_t{payloads[first_].time_ms} +
                     static_cast<int64_t>(index / payloads.size()) * clip_.length_ms();
  return live_us_ + ms * 1000;
}

void SrtStation::pump(int64_t now) {
  if (now < stalled_until_us_) {
    due_us_ = stalled_until_us_;
    return;
  }
  std::array<std::byte, TsClip::kPayloadBytes> buffer;
  for (;;) {
    const int64_t due = payload_due(next_);
    if (due > now) {
      due_us_ = due;
      return;
    }
    const size_t size = clip_.copy(first_, next_, buffer);
    shared_.totals.sends++;
    if (srt_sendmsg2(socket_, reinterpret_cast<const char*>(buffer.data()), static_cast<int>(size),
                     nullptr) == SRT_ERROR) {
      if (srt_getlasterror(nullptr) != SRT_EASYNCSND) return fail(now, Ended::kDropped, last_error());
      note_lag(now, due);
      due_us_ = now + kLookUs;
      return;
    }
    bytes_ += size;
    shared_.totals.bytes += size;
    note_sent(now, due);
    const bool keyframe =
        std::ranges::binary_search(clip_.keyframes(), (first_ + next_) % clip_.payloads().size());
    if (log_keyframes_ && keyframe && shared_.keyframe_log) log_keyframe((due - live_us_) / 1000);
    ++next_;
  }
}

// SRT has no silence: libsrt closes with a word, whatever is still to be sent.
void SrtStation::cut(int64_t now, int64_t back_us, bool) {
  end_session(now, Ended::kCut);
  due_us_ = back_us;
}

void SrtStation::stall(int64_t until_us) {
  stalled_until_us_ = due_us_ = until_us;
}

void SrtStation::finish(int64_t now) {
  if (state_ == State::kLive) pump(now);  // what is due by now belongs to the stream
  ending_ = true;
  if (state_ == State::kIdle) {
    state_ = State::kOver;
    due_us_ = kNever;
  } else if (state_ == State::kLive) {
    state_ = State::kDraining;
    opened_us_ = now;
    drain(now);
  } else if (state_ == State::kConnecting) {
    end_session(now, Ended::kGivenUp);
  }
}

// A close throws away what the server has not acknowledged.
void SrtStation::drain(int64_t now) {
  due_us_ = now + kLookUs;
  if (broken()) return fail(now, Ended::kDropped, "closed by the server");
  if (undelivered() == 0) return end_session(now, Ended::kFinished);
  if (now - opened_us_ >= kFinishSeconds * kSecond)
    fail(now, Ended::kDropped, "not done " + std::to_string(kFinishSeconds) + " s after the end");
}

uint64_t SrtStation::undelivered() const {
  size_t blocks = 0, bytes = 0;
  if (socket_ == kNoSocket || srt_getsndbuffer(socket_, &blocks, &bytes) == SRT_ERROR) return 0;
  return bytes;
}

SessionRecord SrtStation::sent() const {
  const Clip::Counts counts = clip_.count(first_, next_);
  SessionRecord out;
  out.video = counts.video;
  out.audio = counts.audio;
  return out;
}

}  // namespace headgate::load
