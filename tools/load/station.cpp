// SPDX-License-Identifier: LGPL-2.1-or-later
#include <linux/sockios.h>
#include <load/station.h>
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

constexpr int64_t kSecond = 1'000'000;

int64_t now_us() {
  return system_clock().mono_us();
}

// A refusal in a form that is the same for every station: what follows '?' is a challenge.
std::string reason_of(const rtmp::Client::Refusal& refusal) {
  std::string text = refusal.text.substr(0, refusal.text.find('?'));
  return refusal.code + (text.empty() ? "" : ": " + text);
}

}  // namespace

const char* ended_name(Ended ended) {
  constexpr const char* kNames[] = {"not", "finished", "cut", "dropped", "refused", "given up"};
  return kNames[static_cast<size_t>(ended)];
}

Station::Station(LoadShared& shared, int64_t& due_us, uint32_t number, rtmp::PublishTarget target,
                 uint32_t first_keyframe, Address local, bool log_keyframes)
    : shared_(shared),
      due_us_(due_us),
      number_(number),
      target_(std::move(target)),
      first_(first_keyframe),
      local_(local),
      log_keyframes_(log_keyframes) {
  due_us_ = kNever;
}

Station::~Station() {
  if (fd_) shared_.loop.unwatch(fd_.get());
}

void Station::start_at(int64_t at_us) {
  due_us_ = at_us;
}

void Station::serve(int64_t now) {
  switch (state_) {
    case State::kIdle:
      shared_.totals.sessions++;
      opened_us_ = now;
      asked_us_ = 0;
      bytes_ = 0;
      client_.emplace(target_);
      shared_.totals.connecting++;
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

void Station::open(int64_t now) {
  state_ = State::kConnecting;
  due_us_ = opened_us_ + kAnswerSeconds * kSecond;
  output_.clear();
  output_at_ = 0;
  fd_.reset(::socket(shared_.server.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return fail(now, Ended::kRefused, std::string("socket: ") + std::strerror(errno));
  int one = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (local_.size > 0) {
    // The port is chosen at connect(), so that one address serves as many connections as there are ports.
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&local_.storage), local_.size) != 0)
      return fail(now, Ended::kRefused, std::string("bind: ") + std::strerror(errno));
  }
  want_writable_ = true;
  shared_.loop.watch(fd_.get(), EPOLLIN | EPOLLOUT, [this](uint32_t events) { on_io(events); });
  const auto* address = reinterpret_cast<const sockaddr*>(&shared_.server.storage);
  if (::connect(fd_.get(), address, shared_.server.size) != 0 && errno != EINPROGRESS)
    fail(now, Ended::kRefused, std::string("connect: ") + std::strerror(errno));
}

void Station::on_io(uint32_t events) {
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

void Station::read_socket(int64_t now) {
  static std::array<std::byte, 16 * 1024> buffer;  // one thread; nothing stays in it
  while (fd_) {
    ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      int error = got < 0 ? errno : 0;
      if (state_ == State::kDraining && undelivered() == 0) return end_session(now, Ended::kFinished);
      std::string reason =
          error ? std::string("connection: ") + std::strerror(error) : "closed by the server";
      bool accepted = state_ != State::kConnecting && state_ != State::kTalking;
      return fail(now, accepted ? Ended::kDropped : Ended::kRefused, reason);
    }
    if (auto fed = client_->feed(Bytes(buffer).first(static_cast<size_t>(got))); !fed)
      return fail(now, state_ == State::kTalking ? Ended::kRefused : Ended::kDropped, fed.error().message);
    drive_client(now);
    if (static_cast<size_t>(got) < buffer.size()) return;
  }
}

void Station::drive_client(int64_t now) {
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

void Station::go_live(int64_t now) {
  LoadTotals& totals = shared_.totals;
  totals.connecting--;
  totals.live++;
  totals.accepted++;
  totals.connect_ms.add(static_cast<double>(now - opened_us_) / 1000);
  totals.accept_ms.add(static_cast<double>(now - asked_us_) / 1000);
  failures_ = 0;
  state_ = State::kLive;
  live_us_ = now;
  next_ = sent_ = unsent_ = 0;
  sent_part_ = 0;
  stalled_until_us_ = 0;
  at_ = shared_.clip.messages()[first_].offset;
  ByteVector prologue = shared_.clip.prologue(client_->stream_id(), first_);
  output_.insert(output_.end(), prologue.begin(), prologue.end());
  pump(now);
}

// True: nothing is left of it.
bool Station::flush_output(int64_t now) {
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

int64_t Station::message_due(uint64_t message) const {
  auto messages = shared_.clip.messages();
  uint64_t index = first_ + message;
  int64_t ms = messages[index % messages.size()].time_ms - int64_t{messages[first_].time_ms} +
               static_cast<int64_t>(index / messages.size()) * shared_.clip.length_ms();
  return live_us_ + ms * 1000;
}

void Station::pump(int64_t now) {
  if (now < stalled_until_us_) {
    due_us_ = stalled_until_us_;
    return;
  }
  auto messages = shared_.clip.messages();
  int64_t due;
  while ((due = message_due(next_)) <= now) unsent_ += messages[(first_ + next_++) % messages.size()].size;
  bool all = send_media(now);
  if (state_ != State::kLive) return;
  // Blocked: EPOLLOUT goes on; the second is for the lag that the live table shows.
  due_us_ = all ? due : now + kSecond;
  if (all) return;
  double lag = static_cast<double>(now - std::max(message_due(sent_), stalled_until_us_)) / 1000;
  shared_.totals.lag_interval_ms = std::max(shared_.totals.lag_interval_ms, lag);
  shared_.totals.lag_max_ms = std::max(shared_.totals.lag_max_ms, lag);
}

// True: everything that is due is with the kernel.
bool Station::send_media(int64_t now) {
  // Commands go between messages; once begun they are finished before any media.
  if (sent_part_ == 0 && !output_.empty() && !flush_output(now)) return false;
  Bytes chunks = shared_.clip.chunks();
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

void Station::account_sent(uint64_t bytes, int64_t now) {
  auto messages = shared_.clip.messages();
  LoadTotals& totals = shared_.totals;
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
    double lag = static_cast<double>(now - std::max(due, stalled_until_us_)) / 1000;
    totals.lag_max_ms = std::max(totals.lag_max_ms, lag);
    totals.lag_interval_ms = std::max(totals.lag_interval_ms, lag);
    if (lag > 200) totals.late_200ms++;
    if (lag > 1000) totals.late_1s++;
    if (log_keyframes_ && message.keyframe && shared_.keyframe_log) {
      std::fprintf(shared_.keyframe_log, "%.6f %lld\n", static_cast<double>(system_clock().utc_us()) / 1e6,
                   static_cast<long long>((due - live_us_) / 1000));
      std::fflush(shared_.keyframe_log);
    }
  }
}

void Station::want_writable(bool want) {
  if (want == want_writable_) return;
  want_writable_ = want;
  shared_.loop.rewatch(fd_.get(), EPOLLIN | (want ? EPOLLOUT : 0u));
}

void Station::cut(int64_t now, int64_t back_us, bool silent) {
  uint64_t lost = undelivered();
  break_socket(silent);
  end_session(now, Ended::kCut);
  ended_.back().undelivered = lost;
  due_us_ = back_us;
}

void Station::break_socket(bool silent) {
  shared_.loop.unwatch(fd_.get());
  if (silent) {
    shared_.loop.after_ms(kSilentSeconds * 1000, [fd = std::make_shared<UniqueFd>(fd_.release())] {});
    return;
  }
  linger at_once{1, 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Station::stall(int64_t until_us) {
  stalled_until_us_ = until_us;
  due_us_ = until_us;
  want_writable(false);
}

void Station::finish(int64_t now) {
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

void Station::finish_when_sent(int64_t now) {
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

void Station::fail(int64_t now, Ended how, const std::string& reason) {
  auto& reasons = shared_.totals.reasons;
  reasons[reasons.size() < kMaxReasons || reasons.contains(reason) ? reason : "other"]++;
  end_session(now, how);
  if (ending_) return;
  int64_t pause = std::min(kMaxRetrySeconds, int64_t{1} << std::min(failures_++, 10)) * kSecond;
  due_us_ =
      now + pause - pause / 4 + static_cast<int64_t>(shared_.random() % static_cast<uint64_t>(pause / 2));
}

void Station::end_session(int64_t now, Ended how) {
  LoadTotals& totals = shared_.totals;
  bool accepted = state_ != State::kConnecting && state_ != State::kTalking;
  (accepted ? totals.live : totals.connecting)--;
  SessionRecord last = record(now);
  last.ended = how;
  last.undelivered = accepted ? undelivered() : 0;
  ended_.push_back(last);
  if (accepted) totals.stream_seconds += static_cast<double>(now - live_us_) / 1e6;
  if (how == Ended::kFinished) totals.finished++;
  if (how == Ended::kCut) totals.cut++;
  if (how == Ended::kDropped) totals.dropped++;
  if (how == Ended::kRefused) totals.refused++;
  if (how == Ended::kGivenUp) totals.given_up++;
  if (fd_) shared_.loop.unwatch(fd_.get());
  fd_.reset();
  client_.reset();
  output_ = {};
  output_at_ = 0;
  state_ = ending_ ? State::kOver : State::kIdle;
  due_us_ = kNever;
}

SessionRecord Station::record(int64_t now) const {
  bool accepted = state_ != State::kConnecting && state_ != State::kTalking;
  Clip::Counts counts = accepted ? shared_.clip.count(first_, sent_) : Clip::Counts{};
  SessionRecord out;
  out.start_s = static_cast<double>((accepted ? live_us_ : now) - shared_.started_us) / 1e6;
  out.video = counts.video;
  out.audio = counts.audio;
  out.bytes = bytes_;
  return out;
}

uint64_t Station::undelivered() const {
  int queued = 0;
  if (fd_) ::ioctl(fd_.get(), SIOCOUTQ, &queued);
  return static_cast<uint64_t>(queued);
}

std::vector<SessionRecord> Station::records(int64_t now) const {
  std::vector<SessionRecord> all = ended_;
  if (state_ == State::kLive || state_ == State::kFinishing || state_ == State::kDraining)
    all.push_back(record(now));
  return all;
}

}  // namespace headgate::load
