// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ts_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace headgate::ticketsrc {
namespace {

constexpr size_t kBatch = 64;  // packets of one read
// For a picture without a time, where nothing says how far it is from the last: so little that the next one
// that has a time is behind it.
constexpr int64_t kUnknownStepNs = 10'000'000, kLargestStepNs = 1'000'000'000;

int64_t composition_ns(const mpegts::Unit& unit) {
  // The nearer way round.
  const uint64_t ahead = (*unit.pts - *unit.dts) % mpegts::kTimeWrap;
  const int64_t ticks = ahead < mpegts::kTimeWrap / 2
                            ? static_cast<int64_t>(ahead)
                            : static_cast<int64_t>(ahead) - static_cast<int64_t>(mpegts::kTimeWrap);
  return ticks * 1'000'000'000 / mpegts::kTimeRate;
}

}  // namespace

Result<std::unique_ptr<Session>> TsSession::open(UniqueFd socket, Now now) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size) < 0)
    return Unexpected(errno, std::string("the session's descriptor: ") + std::strerror(errno));
  if (type != SOCK_SEQPACKET)
    return Unexpected("the session's descriptor is no SEQPACKET socket, as SRT's is");
  return std::unique_ptr<Session>(new TsSession(std::move(socket), now));
}

void TsSession::read(std::span<std::byte> scratch) {
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages{};
  const size_t batch = std::min(kBatch, scratch.size() / srt::kMaxPacket);
  for (size_t i = 0; i < batch; ++i) {
    parts[i] = {scratch.data() + i * srt::kMaxPacket, srt::kMaxPacket};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (int reads = 0; reads < kMaxReads && !ended(); ++reads) {
    const int got =
        recvmmsg(socket_.get(), messages.data(), static_cast<unsigned>(batch), MSG_DONTWAIT, nullptr);
    if (got < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) hang_up();
      return;
    }
    for (int i = 0; i < got && !ended(); ++i) {
      const mmsghdr& message = messages[static_cast<size_t>(i)];
      if (message.msg_len == 0) return hang_up();
      if (message.msg_hdr.msg_flags & MSG_TRUNC) return end("error:a packet of the relay is too long");
      take_packet({static_cast<const std::byte*>(parts[static_cast<size_t>(i)].iov_base), message.msg_len});
    }
    if (static_cast<size_t>(got) < batch) return;
  }
}

void TsSession::take_packet(Bytes packet) {
  const auto relayed = srt::decode_relay(packet);
  if (!relayed) return end("error:" + relayed.error().message);
  if (const auto* link = std::get_if<srt::LinkStats>(&*relayed)) {
    link_ = *link;
    return;
  }
  const auto* hole = std::get_if<srt::AfterHole>(&*relayed);
  if (hole) demuxer_.lose(hole->missing * srt::kMaxPayload);
  const Bytes data = hole ? hole->payload : std::get<Bytes>(*relayed);
  bytes_ += data.size();
  demuxer_.feed(data);
  if (!has_program_ && bytes_ > kMaxBytesBeforeProgram)
    end("error:what comes is no MPEG-TS with a program of video or audio");
}

void TsSession::hang_up() {
  demuxer_.flush();
  end("disconnect");
}

// SRT has no words for it: the publisher sees that the connection ends, when the descriptor is closed.
void TsSession::say_goodbye(const std::string&, std::span<std::byte>) {}

// Likewise: his own statistics tell him, as ours tell us.
void TsSession::tell_uplink(bool, int64_t) {}

std::optional<LinkReport> TsSession::link_report() const {
  return LinkReport{demuxer_.stats(), link_};
}

std::optional<TrackId> TsSession::track_of(uint16_t pid) const {
  for (const TrackId track : {kVideoTrack, kAudioTrack})
    if (sources_[track].pid == pid) return track;
  return std::nullopt;
}

// The first video and the first audio that can be taken, and those that were taken as long as they are there.
void TsSession::on_program(std::span<mpegts::Stream> streams) {
  has_program_ = true;
  bool announced[kTracks] = {};
  for (const TrackId track : {kVideoTrack, kAudioTrack}) {
    const mpegts::Kind kind = track == kVideoTrack ? mpegts::Kind::video : mpegts::Kind::audio;
    const auto usable = [kind](const mpegts::Stream& stream) { return stream.kind == kind && stream.codec; };
    Source& source = sources_[track];
    auto taken = std::find_if(streams.begin(), streams.end(), [&](const mpegts::Stream& stream) {
      return usable(stream) && stream.pid == source.pid;
    });
    if (taken == streams.end()) taken = std::find_if(streams.begin(), streams.end(), usable);
    announced[track] = taken != streams.end();
    source.pid = announced[track] ? taken->pid : 0;
    if (announced[track]) taken->taken = true;
    for (const mpegts::Stream& stream : streams) {
      if (stream.kind != kind || stream.taken) continue;
      if (!announced[track]) {
        leave_out(track, stream.name);
      } else if (!std::exchange(source.others_told, true)) {
        warn(std::string("the publisher sends more than one ") + (track == kVideoTrack ? "video" : "audio") +
             " stream: " + stream.name + " is left out, " + taken->name + " is taken");
      }
    }
  }
  announce(announced[kVideoTrack], announced[kAudioTrack]);
}

void TsSession::on_config(uint16_t pid, const codec::Track& track) {
  if (const auto id = track_of(pid)) take_config(*id, track);
}

void TsSession::on_problem(uint16_t pid, const std::string& problem) {
  if (const auto id = track_of(pid))
    warn(std::string("the publisher's ") + (*id == kVideoTrack ? "video" : "audio") + ": " + problem);
}

// Of item_, by the sender's clock. A picture that was sent without a time (the second in a PES packet)
// follows the one before it at the distance that pictures had between the last two times that were sent.
// False before the first that has one.
bool TsSession::set_times(TrackId track, const mpegts::Unit& unit) {
  Source& source = sources_[track];
  source.hole |= unit.after_loss;
  source.lost |= unit.after_loss;
  if (!unit.dts) {
    if (!source.sent_ns) return false;
    ++source.untimed;
    const int64_t step = source.step_ns > 0 ? source.step_ns : kUnknownStepNs;
    item_.sender_ns = *source.sent_ns + source.untimed * step;
    item_.composition_ns = source.composition_ns;
    source.last_ns = item_.sender_ns;
    return true;
  }
  if (track == kVideoTrack && !unit.dts_sent) {
    const int64_t pts = clock_.ns(track, *unit.pts);
    item_.sender_ns = source.order.next(pts, unit.key, source.last_ns);
    item_.composition_ns = pts - item_.sender_ns;
  } else {
    item_.sender_ns = clock_.ns(track, *unit.dts);
    item_.composition_ns = composition_ns(unit);
    source.order.reset();
  }
  // Of a hole, how many frames are in it is not known.
  if (source.sent_ns && !source.hole) {
    const int64_t step = (item_.sender_ns - *source.sent_ns) / (source.untimed + 1);
    if (step > 0 && step <= kLargestStepNs) source.step_ns = step;
  }
  source.sent_ns = source.last_ns = item_.sender_ns;
  source.composition_ns = item_.composition_ns;
  source.untimed = 0;
  source.hole = false;
  return true;
}

std::span<std::byte> TsSession::begin(const mpegts::Unit& unit) {
  const auto track = track_of(unit.pid);
  if (!track) return {};
  item_ = {};
  if (!set_times(*track, unit)) return {};
  item_.key = unit.key;
  item_.after_loss = std::exchange(sources_[*track].lost, false);
  return arena(*track).reserve(unit.size);
}

void TsSession::complete(const mpegts::Unit& unit, std::span<std::byte>) {
  take_frame(*track_of(unit.pid), std::move(item_));
}

}  // namespace headgate::ticketsrc
