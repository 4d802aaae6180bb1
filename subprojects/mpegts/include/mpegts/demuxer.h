// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads an MPEG transport stream (ISO/IEC 13818-1) as it comes, and gives the access units of one program in
// the form in which MP4 stores them. What is taken, and what is done about senders that do it differently:
// docs/mpegts.md.
//
// A unit is given when it is known to be whole, and no later: nothing is kept back for a time. A unit of
// which anything is missing is never given; the next of its stream says so (Unit::after_loss).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <base/bytes.h>
#include <codec/parameter_sets.h>
#include <codec/track.h>

namespace headgate::mpegts {

inline constexpr size_t kPacketBytes = 188;
inline constexpr std::byte kSyncByte{0x47};
inline constexpr uint64_t kTimeWrap = uint64_t{1} << 33;  // of PTS and DTS
inline constexpr uint32_t kTimeRate = 90'000;             // their ticks per second

// What a stranger can make large. A unit, or what a stream keeps of one that is coming in:
inline constexpr size_t kMaxUnitBytes = 16u << 20;
inline constexpr size_t kMaxUnitNals = 8192;  // NAL units of one unit
using codec::kMaxParameterSets;
inline constexpr size_t kMaxSectionBytes = 1024;    // PAT and PMT (2.4.4.4, 2.4.4.9)
inline constexpr size_t kMaxPrograms = 16;          // of a PAT; further ones are not looked at
inline constexpr size_t kMaxStreams = 32;           // of a PMT; likewise
inline constexpr size_t kMaxTakenStreams = 8;       // that are read
inline constexpr size_t kMaxAudioBytes = 64 << 10;  // an Opus packet, an E-AC-3 access unit
inline constexpr size_t kKeptBytes = 1u << 20;      // a stream's memory is given back above this

enum class Kind : uint8_t { video, audio, data };

// As the PMT describes it.
struct Stream {
  uint16_t pid = 0;
  uint8_t type = 0;  // stream_type (table 2-34)
  Kind kind = Kind::data;
  std::optional<codec::Codec> codec;  // none: cannot be taken
  std::string name;                   // for people, always: "H.264", "AAC in LATM", "stream type 0x86"
  uint8_t opus_channels = 2;          // Opus: channel_config_code
  bool taken = false;                 // set by Sink::on_program
};

struct Unit {
  uint16_t pid = 0;
  size_t size = 0;
  // 33 bits of 90 kHz, as sent. Times wrap after 26.5 hours: of the times whose low 33 bits these are, the
  // nearest to the stream's last one is meant. DTS is there when PTS is, and the same where none was sent.
  std::optional<uint64_t> pts, dts;
  // Video: it was sent. Where none is, the standard wants it to be the PTS; not every sender knows.
  bool dts_sent = false;
  // Audio: the time is not the sender's but counted in samples from the unit before.
  bool counted_time = false;
  // Decoding can begin here: IDR or IRAP, or H.264 with a recovery point of no frames. Audio: always.
  bool key = false;
  // Something of this stream was lost since the unit before.
  bool after_loss = false;
};

// Since the beginning, all streams together.
struct Stats {
  uint64_t packets = 0;
  uint64_t sync_losses = 0;        // 0x47 was not where it had to be
  uint64_t unusable_packets = 0;   // transport error, scrambled, or of reserved form
  uint64_t discontinuities = 0;    // gaps of the continuity counter, in the streams taken and the tables
  uint64_t broken_pes = 0;         // with a header that makes no sense, or shorter than they say
  uint64_t refused_sections = 0;   // PAT or PMT: CRC, form or size
  uint64_t units = 0;              // given
  uint64_t dropped_units = 0;      // begun and not whole, too large, or not understood
  uint64_t undescribed_units = 0;  // whole, before the first parameter sets
};

// Called from within Demuxer::feed() and flush(), which must not be called from here.
class Sink {
 public:
  virtual ~Sink() = default;
  // The program's streams: once, and again when they change, to none perhaps. Sets `taken` of those that are
  // wanted and have a codec; a stream that is still there goes on as it is. Of one that is not, the last unit
  // was given before.
  virtual void on_program(std::span<Stream> streams) = 0;
  // What describes the units of a stream from here on: before its first one, and whenever it changes.
  virtual void on_config(uint16_t pid, const codec::Track& track) = 0;
  // A sentence's end about why units of a stream are not given. Once for each, and for few.
  virtual void on_problem(uint16_t pid, const std::string& problem) = 0;
  // Room for a unit of `unit.size` bytes, or an empty span when it is not wanted. It is filled, and
  // complete() called with it, before anything else is.
  virtual std::span<std::byte> begin(const Unit& unit) = 0;
  virtual void complete(const Unit& unit, std::span<std::byte> data) = 0;
};

// Not thread-safe. Video is given as NAL units behind lengths of 4 bytes, without parameter sets (they are in
// the configuration), access unit delimiters and filler; AAC without ADTS; Opus without control headers; AC-3
// and E-AC-3 as they are.
class Demuxer {
 public:
  explicit Demuxer(Sink& sink);  // which outlives it
  ~Demuxer();
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  // Any number of bytes; packets need not be aligned in it.
  void feed(Bytes data);
  // Between what was fed and what will be, up to so many bytes are known to be missing. Few are left to the
  // continuity counters to find; of many, these cannot tell.
  void lose(size_t bytes);
  // Nothing follows: gives what is whole. feed() begins anew with the next program that comes.
  void flush();
  const Stats& stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headgate::mpegts
