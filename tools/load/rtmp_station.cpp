// SPDX-License-Identifier: LGPL-2.1-or-later
#include <linux/sockios.h>
#include <load/rtmp_station.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <base/clock.h>

namespace headgate::load {
namespace {

int64_t now_us() {
  return system_clock().mono_us();
}

// A refusal in a form that is the same for every station: what follows '?' is a challenge.
std::string reason_of(const rtmp::Client::Refusal& refusal) {
  std::string text = refusal.text.substr(0, refusal.text.find('?'));
  return refusal.code + (text.empty() ? "" : ": " + text);
}

}  // namespace

RtmpStation::RtmpStation(LoadShared& shared, int64_t& due_us, const Clip& clip, RtmpPlan plan,
                         uint32_t first_keyframe, bool log_keyframes)
    : Station(shared, due_us, plan.number),
      clip_(clip),
      plan_(std::move(plan)),
      first_(first_keyframe),
      log_keyframes_(log_keyframes) {}

RtmpStation::~RtmpStation() {
  if (fd_) shared_.loop.unwatch(fd_.get());
}

void RtmpStation::serve(int64_t now) {
  switch (state_) {
    case State::kIdle:
      begin_session(now);
      asked_us_ = 0;
      client_.emplace(plan_.target);
      open(now);
      break;
    case State::kConnecting:
    case State::kTalking:
      fail(now, Ended::kRefused, "no answer in " + std::to_string(kAnswerSeconds) + " s");
      break;
    case State::kLive:
      pump(now);
      break;
    case State::kFinishing:
    case State::kDraining:
      fail(now, Ended::kDropped, "not done " + std::to_string(kFinishSeconds) + " s after the end");
      break;
    case State::kOver:
      due_us_ = kNever;
      break;
  }
}

void RtmpStation::open(int64_t now) {
  state_ = State::kConnecting;
  due_us_ = opened_us_ + kAnswerSeconds * kSecond;
  output_.clear();
  output_at_ = 0;
  fd_.reset(::socket(plan_.server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return fail(now, Ended::kRefused, std::string("socket: ") + std::strerror(errno));
  int one = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (plan_.local.size > 0) {
    // The port is chosen at connect(), so that one address serves as many connections as there are ports.
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&plan_.local.storage), plan_.local.size) != 0)
      return fail(now, Ended::kRefused, std::string("bind: ") + std::strerror(errno));
  }
  want_writable_ = true;
  shared_.loop.watch(fd_.get(), EPOLLIN | EPOLLOUT, [this](uint32_t events) { on_io(events); });
  const auto* address = reinterpret_cast<const sockaddr*>(&plan_.server.storage);
  if (::connect(fd_.get(), address, plan_.server.size) != 0 && errno != EINPROGRESS)
    fail(now, Ended::kRefused, std::string("connect: ") + std::strerror(errno));
}

void RtmpStation::on_io(uint32_t events) {
  int64_t now = now_us();
  if (state_ == State::kConnecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail(now, Ended::kRefused, std::string("connect: ") + std::strerror(error));
    state_ = State::kTalking;
    drive_client(now);
  } else if (events & EPOLLOUT) {
    if (state_ == State::kLive) pump(now);
    if (state_ == State::kTalking) flush_output(now);
    if (state_ == State::kFinishing) finish_when_sent(now);
  }
  if (fd_ && (events & (EPOLLIN | EPOLLERR | EPOLLHUP))) read_socket(now);
}

void RtmpStation::read_socket(int64_t now) {
  static std::array<std::byte, 16 * 1024> buffer;  // one thread; nothing stays in it
  while (fd_) {
    ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      int error = got < 0 ? errno : 0;
      if (state_ == State::kDraining && undelivered() == 0) return end_session(now, Ended::kFinished);
      std::string reason =
          error ? std::string("connection: ") + std::strerror(error) : "closed by the server";
      return fail(now, was_accepted() ? Ended::kDropped : Ended::kRefused, reason);
    }
    const bool asked = client_->reconnect().has_value();
    if (auto fed = client_->feed(Bytes(buffer).first(static_cast<size_t>(got))); !fed)
      return fail(now, state_ == State::kTalking ? Ended::kRefused : Ended::kDropped, fed.error().message);
    if (!asked && client_->reconnect()) note_asked(client_->reconnect()->tc_url);
    drive_client(now);
    if (static_cast<size_t>(got) < buffer.size()) return;
  }
}

void RtmpStation::drive_client(int64_t now) {
  using Phase = rtmp::Client::Phase;
  if (client_->phase() == Phase::kReconnect) {
    shared_.loop.unwatch(fd_.get());
    client_->restart();
    return open(now);
  }
  if (client_->phase() == Phase::kRefused && state_ != State::kDraining)
    return fail(now, state_ == State::kTalking ? Ended::kRefused : Ended::kDropped,
                reason_of(client_->refusal()));
  if (client_->phase() == Phase::kPublish && asked_us_ == 0) asked_us_ = now;
  if (client_->has_output() && state_ != State::kDraining) {
    ByteVector more = client_->take_output();
    output_.insert(output_.end(), more.begin(), more.end());
  }
  if (client_->phase() == Phase::kPublishing && state_ == State::kTalking) return go_live(now);
  if (state_ == State::kLive) return pump(now);
  if (state_ == State::kFinishing) return finish_when_sent(now);
  if (state_ == State::kTalking) flush_output(now);
}

void RtmpStation::go_live(int64_t now) {
  accepted(now, asked_us_);
  next_ = sent_ = unsent_ = 0;
  sent_part_ = 0;
  at_ = clip_.messages()[first_].offset;
  ByteVector prologue = clip_.prologue(client_->stream_id(), first_);
  output_.insert(output_.end(), prologue.begin(), prologue.end());
  pump(now);
}

// True: nothing is left of it.
bool RtmpStation::flush_output(int64_t now) {
  while (output_at_ < output_.size()) {
    ssize_t taken = ::send(fd_.get(), output_.data() + output_at_, output_.size() - output_at_, MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno == EAGAIN)
        want_writable(true);
      else if (errno != EINTR)
        fail(now, client_->phase() == rtmp::Client::Phase::kPublishing ? Ended::kDropped : Ended::kRefused,
             std::string("connection: ") + std::strerror(errno));
      return false;
    }
    output_at_ += static_cast<size_t>(taken);
    bytes_ += static_cast<uint64_t>(taken);
    shared_.totals.bytes += static_cast<uint64_t>(taken);
  }
  output_.clear();
  output_at_ = 0;
  want_writable(false);
  return true;
}

int64_t RtmpStation::message_due(uint64_t message) const {
  auto messages = clip_.messages();
  uint64_t index = first_ + message;
  int64_t ms = messages[index % messages.size()].time_ms - int64_t{messages[first_].time_ms} +
               static_cast<int64_t>(index / messages.size()) * clip_.length_ms();
  return live_us_ + ms * 1000;
}

void RtmpStation::pump(int64_t now) {
  if (now < stalled_until_us_) {
    due_us_ = stalled_until_us_;
    return;
  }
  auto messages = clip_.messages();
  int64_t due;
  while ((due = message_due(next_)) <= now) unsent_ += messages[(first_ + next_++) % messages.size()].size;
  bool all = send_media(now);
  if (state_ != State::kLive) return;
  // Blocked: EPOLLOUT goes on; the second is for the lag that the live table shows.
  due_us_ = all ? due : now + kSecond;
  if (all) return;
  note_lag(now, message_due(sent_));
}

// True: everything that is due is with the kernel.
bool RtmpStation::send_media(int64_t now) {
  // Commands go between messages; once begun they are finished before any media.
  if (sent_part_ == 0 && !output_.empty() && !flush_output(now)) return false;
  Bytes chunks = clip_.chunks();
  while (unsent_ > 0) {
    size_t count = std::min<size_t>(unsent_, chunks.size() - at_);
    ssize_t taken = ::send(fd_.get(), chunks.data() + at_, count, MSG_NOSIGNAL);
    shared_.totals.sends++;
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN)
        want_writable(true);
      else
        fail(now, Ended::kDropped, std::string("connection: ") + std::strerror(errno));
      return false;
    }
    auto bytes = static_cast<uint64_t>(taken);
    at_ = at_ + bytes == chunks.size() ? 0 : at_ + bytes;
    unsent_ -= bytes;
    bytes_ += bytes;
    shared_.totals.bytes += bytes;
    account_sent(bytes, now);
  }
  want_writable(false);
  return true;
}

void RtmpStation::account_sent(uint64_t bytes, int64_t now) {
  auto messages = clip_.messages();
  while (bytes > 0) {
    const Clip::Message& message = messages[(first_ + sent_) % messages.size()];
    uint32_t missing = message.size - sent_part_;
    if (bytes < missing) {
      sent_part_ += static_cast<uint32_t>(bytes);
      return;
    }
    bytes -= missing;
    sent_part_ = 0;
    int64_t due = message_due(sent_++);
    note_sent(now, due);
    if (log_keyframes_ && message.keyframe && shared_.keyframe_log) log_keyframe((due - live_us_) / 1000);
  }
}

void RtmpStation::want_writable(bool want) {
  if (want == want_writable_) return;
  want_writable_ = want;
  shared_.loop.rewatch(fd_.get(), EPOLLIN | (want ? EPOLLOUT : 0u));
}

void RtmpStation::cut(int64_t now, int64_t back_us, bool silent) {
  uint64_t lost = undelivered();
  break_socket(silent);
  end_session(now, Ended::kCut);
  ended_.back().undelivered = lost;
  due_us_ = back_us;
}

void RtmpStation::break_socket(bool silent) {
  shared_.loop.unwatch(fd_.get());
  if (silent) {
    shared_.loop.after_ms(kSilentSeconds * 1000, [fd = std::make_shared<UniqueFd>(fd_.release())] {});
    return;
  }
  linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void RtmpStation::stall(int64_t until_us) {
  stalled_until_us_ = until_us;
  due_us_ = until_us;
  want_writable(false);
}

void RtmpStation::finish(int64_t now) {
  if (state_ == State::kLive) pump(now);  // what is due by now belongs to the stream
  ending_ = true;
  if (state_ == State::kIdle) {
    state_ = State::kOver;
    due_us_ = kNever;
  } else if (state_ == State::kLive) {
    state_ = State::kFinishing;
    due_us_ = now + kFinishSeconds * kSecond;
    client_->unpublish();
    ByteVector goodbye = client_->take_output();
    output_.insert(output_.end(), goodbye.begin(), goodbye.end());
    finish_when_sent(now);
  } else if (state_ == State::kConnecting || state_ == State::kTalking) {
    end_session(now, Ended::kGivenUp);
  }
}

void RtmpStation::finish_when_sent(int64_t now) {
  // The media first: what is due belongs to the stream, and a goodbye in the middle of a message is none.
  if (output_at_ == 0) {
    ByteVector goodbye = std::exchange(output_, {});
    bool sent = send_media(now);
    if (state_ != State::kFinishing) return;
    output_ = std::move(goodbye);
    if (!sent) return;
  }
  if (!flush_output(now) || state_ != State::kFinishing) return;
  state_ = State::kDraining;
  ::shutdown(fd_.get(), SHUT_WR);
}

void RtmpStation::drop_connection() {
  if (fd_) shared_.loop.unwatch(fd_.get());
  fd_.reset();
  client_.reset();
  output_ = {};
  output_at_ = 0;
}

SessionRecord RtmpStation::sent() const {
  const Clip::Counts counts = clip_.count(first_, sent_);
  SessionRecord out;
  out.video = counts.video;
  out.audio = counts.audio;
  return out;
}

uint64_t RtmpStation::undelivered() const {
  int queued = 0;
  if (fd_) ::ioctl(fd_.get(), SIOCOUTQ, &queued);
  return static_cast<uint64_t>(queued);
}

}  // namespace headgate::load
