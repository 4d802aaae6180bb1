// SPDX-License-Identifier: LGPL-2.1-or-later
// Audio frames out of the bytes of a stream, whichever way PES packets cut it.
#include <algorithm>

#include "audio_frame.h"
#include "elementary.h"

namespace headgate::mpegts {
namespace {

class Audio final : public Assembler {
 public:
  Audio(codec::Codec codec, uint8_t opus_channels, Output output)
      : codec_(codec), opus_channels_(opus_channels), output_(std::move(output)) {}

  void begin_pes(const std::optional<PesTime>& time) override {
    pes_at_ = static_cast<std::ptrdiff_t>(bytes_.size());
    if (time) times_.add(pes_at_, *time);
  }
  void append(Bytes data) override {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    scan(false);
  }
  void end_pes() override { scan(true); }
  void lose() override {
    if (bytes_.empty())
      output_.lost();
    else
      output_.dropped_unit();
    forget();
  }
  void finish(bool whole) override {
    if (whole) scan(true);
    if (!bytes_.empty()) output_.dropped_unit();
    forget();
  }

 private:
  void scan(bool pes_ended);
  bool is_confirmed(Bytes data, const AudioFrame& frame, bool pes_ended, bool& wait) const;
  void give(Bytes data, const AudioFrame& frame);
  bool take_config(Bytes frame);
  void resync(size_t& at);
  void forget();

  const codec::Codec codec_;
  const uint8_t opus_channels_;
  Output output_;
  std::optional<codec::Track> track_;  // as given
  std::optional<ConfigMark> mark_;     // of the last frame that was described
  bool described_ = false;             // by track_

  ByteVector bytes_;           // not given yet, or not enough to say
  std::ptrdiff_t pes_at_ = 0;  // where in it the PES packet begins that is coming in
  bool in_step_ = false;       // a frame ended where bytes_ begins
  PesTimes times_;
  std::optional<PesTime> anchor_;  // the last time that was sent
  uint64_t samples_ = 0;           // since
};

void Audio::scan(bool pes_ended) {
  size_t at = 0;
  while (at < bytes_.size()) {
    const Bytes data = Bytes(bytes_).subspan(at);
    AudioFrame frame;
    const Found found = find_audio_frame(codec_, data, pes_ended, frame);
    if (found == Found::more) break;
    if (found == Found::nothing) {
      resync(at);
      continue;
    }
    if (data.size() < frame.bytes) break;
    // One that goes over the beginning of a PES packet may be two halves of two frames.
    const std::ptrdiff_t into_packet = pes_at_ - static_cast<std::ptrdiff_t>(at);
    const bool split = into_packet > 0 && into_packet < static_cast<std::ptrdiff_t>(frame.bytes);
    if (!in_step_ || split) {
      bool wait = false;
      if (!is_confirmed(data, frame, pes_ended, wait)) {
        if (wait) break;
        resync(at);
        continue;
      }
    }
    in_step_ = true;
    if (const auto time = times_.take(static_cast<std::ptrdiff_t>(at))) anchor_ = time, samples_ = 0;
    give(data.first(frame.bytes), frame);
    samples_ += frame.samples;
    at += frame.bytes;
  }
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  pes_at_ -= static_cast<std::ptrdiff_t>(at);
  times_.shift(static_cast<std::ptrdiff_t>(at));
}

// Behind the frame another one begins, or the packet ends.
bool Audio::is_confirmed(Bytes data, const AudioFrame& frame, bool pes_ended, bool& wait) const {
  const Bytes behind = data.subspan(frame.bytes);
  if (behind.empty()) {
    wait = !pes_ended;
    return pes_ended;
  }
  AudioFrame next;
  const Found found = find_audio_frame(codec_, behind, pes_ended, next);
  wait = found == Found::more;
  return found == Found::frame;
}

// No frame begins at `at`: goes on to where one may.
void Audio::resync(size_t& at) {
  if (in_step_) output_.dropped_unit();
  in_step_ = false;
  anchor_.reset();
  const auto from = bytes_.begin() + static_cast<std::ptrdiff_t>(at) + 1;
  at = static_cast<size_t>(std::find(from, bytes_.end(), first_byte(codec_)) - bytes_.begin());
}

bool Audio::take_config(Bytes frame) {
  const ConfigMark mark = config_mark(codec_, frame);
  if (mark_ == mark) return described_;
  mark_ = mark;
  const Result<codec::Track> track = describe_audio(codec_, frame, opus_channels_);
  described_ = track.has_value();
  if (!described_) {
    output_.problem(track.error().message);
  } else if (track_ != *track) {
    track_ = *track;
    output_.config(*track_);
  }
  return described_;
}

void Audio::give(Bytes data, const AudioFrame& frame) {
  if (!take_config(data)) return output_.dropped_unit();
  Unit unit;
  unit.key = true;
  unit.size = frame.bytes - frame.header;
  if (anchor_) {
    const uint64_t since = samples_ * kTimeRate / track_->timescale;
    unit.pts = unit.dts = (anchor_->pts + since) % kTimeWrap;
    unit.counted_time = samples_ > 0;
  }
  output_.unit(unit, [&](std::span<std::byte> room) {
    const Bytes payload = data.subspan(frame.header);
    std::copy(payload.begin(), payload.end(), room.begin());
  });
}

void Audio::forget() {
  bytes_.clear();
  times_.clear();
  anchor_.reset();
  in_step_ = false;
  pes_at_ = 0;
}

}  // namespace

std::unique_ptr<Assembler> make_audio(codec::Codec codec, uint8_t opus_channels, Output output) {
  return std::make_unique<Audio>(codec, opus_channels, std::move(output));
}

}  // namespace headgate::mpegts
