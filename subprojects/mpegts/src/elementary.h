// SPDX-License-Identifier: LGPL-2.1-or-later
// What stands between PES packets and units: an assembler per stream, and the way out of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <base/result.h>
#include <codec/track.h>
#include <mpegts/demuxer.h>

namespace headgate::mpegts {

struct PesTime {
  uint64_t pts = 0, dts = 0;
  bool dts_sent = false;  // else it is the PTS
};

// One stream's way to the sink.
class Output {
 public:
  Output(uint16_t pid, Sink& sink, Stats& stats) : stats(stats), pid_(pid), sink_(sink) {}
  // `fill` writes the unit's bytes into the span that it is called with.
  template <typename Fill>
  void unit(Unit unit, Fill&& fill) {
    unit.pid = pid_;
    unit.after_loss = std::exchange(lost_, false);
    ++stats.units;
    const std::span<std::byte> room = sink_.begin(unit);
    if (room.empty()) return;
    fill(room);
    sink_.complete(unit, room);
  }
  void config(const codec::Track& track) { sink_.on_config(pid_, track); }
  // Once for each text, of a few.
  void problem(const std::string& text) {
    constexpr size_t kMost = 8;
    if (problems_.size() == kMost || std::find(problems_.begin(), problems_.end(), text) != problems_.end())
      return;
    problems_.push_back(text);
    sink_.on_problem(pid_, text);
  }
  // The next unit says so.
  void lost() { lost_ = true; }
  void dropped_unit() {
    lost_ = true;
    ++stats.dropped_units;
  }

  Stats& stats;

 private:
  uint16_t pid_;
  Sink& sink_;
  std::vector<std::string> problems_;  // told
  bool lost_ = false;
};

// The times of PES packets by where their bytes begin in what an assembler keeps. The unit that begins first
// at or behind that place has them (ISO/IEC 13818-1, 2.4.3.7).
class PesTimes {
 public:
  void add(std::ptrdiff_t at, const PesTime& time) {
    constexpr size_t kMost = 16;  // of packets so small that no unit begins in them
    if (marks_.size() == kMost) marks_.erase(marks_.begin());
    marks_.push_back({at, time});
  }
  // For a unit that begins `at`.
  std::optional<PesTime> take(std::ptrdiff_t at) {
    std::optional<PesTime> time;
    while (!marks_.empty() && marks_.front().at <= at) {
      time = marks_.front().time;
      marks_.erase(marks_.begin());
    }
    return time;
  }
  // So many bytes are no longer kept.
  void shift(std::ptrdiff_t by) {
    for (Mark& mark : marks_) mark.at -= by;
  }
  void clear() { marks_.clear(); }

 private:
  struct Mark {
    std::ptrdiff_t at;
    PesTime time;
  };
  std::vector<Mark> marks_;
};

class Assembler {
 public:
  virtual ~Assembler() = default;
  virtual void begin_pes(const std::optional<PesTime>& time) = 0;
  virtual void append(Bytes data) = 0;
  // As many bytes as the packet's header says have come. More may follow, if it lies.
  virtual void end_pes() = 0;
  // Bytes are missing here. The next call is begin_pes().
  virtual void lose() = 0;
  // Nothing follows. `whole`: the last PES packet ended as far as can be seen.
  virtual void finish(bool whole) = 0;
};

std::unique_ptr<Assembler> make_video(codec::Codec codec, Output output);
std::unique_ptr<Assembler> make_audio(codec::Codec codec, uint8_t opus_channels, Output output);

}  // namespace headgate::mpegts
