// SPDX-License-Identifier: LGPL-2.1-or-later
// The connection of a publisher who sends MPEG-TS by SRT: reads what the process that has the SRT socket
// relays over a SEQPACKET pair (srt/relay.h). The other way nothing is said; closing it is all.
#pragma once

#include <optional>

#include <mpegts/demuxer.h>
#include <timeline/unwrapper.h>

#include "decode_order.h"
#include "session.h"

namespace headgate::ticketsrc {

// A publisher of which so much came and no program with media in it sends something else.
inline constexpr uint64_t kMaxBytesBeforeProgram = 4 << 20;

class TsSession : public Session, private mpegts::Sink {
 public:
  static Result<std::unique_ptr<Session>> open(UniqueFd socket, Now now);

  void say_goodbye(const std::string& reason, std::span<std::byte> scratch) override;
  void tell_uplink(bool late, int64_t late_ms) override;
  uint64_t bytes() const override { return bytes_; }
  std::optional<LinkReport> link_report() const override;

 private:
  TsSession(UniqueFd socket, Now now) : Session(now), socket_(std::move(socket)) {}
  void read(std::span<std::byte> scratch) override;
  void on_program(std::span<mpegts::Stream> streams) override;
  void on_config(uint16_t pid, const codec::Track& track) override;
  void on_problem(uint16_t pid, const std::string& problem) override;
  std::span<std::byte> begin(const mpegts::Unit& unit) override;
  void complete(const mpegts::Unit& unit, std::span<std::byte> data) override;

  void take_packet(Bytes packet);
  void hang_up();  // the publisher has gone
  std::optional<TrackId> track_of(uint16_t pid) const;
  bool set_times(TrackId track, const mpegts::Unit& unit);

  // What is known of the stream that a track is made of.
  struct Source {
    uint16_t pid = 0;                // 0: none
    DecodeOrder order;               // video
    std::optional<int64_t> sent_ns;  // decoding time of the last frame that was sent with a time
    std::optional<int64_t> last_ns;  // of the last frame
    int64_t untimed = 0;             // frames since the one at sent_ns, which had none
    int64_t step_ns = 0;             // between frames, by the last two times that were sent
    int64_t composition_ns = 0;      // of the frame at sent_ns
    bool hole = false;               // since that frame
    bool lost = false;               // something that no frame has told yet
    bool others_told = false;        // that there are more streams of its kind
  };

  UniqueFd socket_;
  mpegts::Demuxer demuxer_{*this};
  timeline::Unwrapper clock_ = timeline::Unwrapper::mpegts();
  Source sources_[kTracks];
  Item item_;  // the frame that is being filled in
  std::optional<srt::LinkStats> link_;
  uint64_t bytes_ = 0;
  bool has_program_ = false;
};

}  // namespace headgate::ticketsrc
