// SPDX-License-Identifier: LGPL-2.1-or-later
// From FLV's frames to TsClip's packets: H.264 with start codes, its parameter sets before each key frame;
// AAC as ADTS, several frames to a PES packet; PAT and PMT before each key frame.
#pragma once

#include <load/flv_media.h>
#include <load/ts_clip.h>

#include <array>

namespace headgate::load {

inline constexpr uint64_t kTimeMask = (uint64_t{1} << 33) - 1;
void put_stamp(std::byte* at, uint64_t ticks);  // of 5 bytes the time; the first four bits stay
void put_clock(std::byte* at, uint64_t ticks);  // 6 bytes

class TsMaker {
 public:
  static Result<TsClip> make(const FlvMedia& media);

 private:
  explicit TsMaker(const FlvMedia& media) : media_(media) { clip_.continuity_.resize(kPids); }
  Result<void> read_headers();
  Result<void> add(const FlvMedia::Frame& frame);
  Result<void> add_video(const FlvMedia::Frame& frame);
  Result<void> add_audio(const FlvMedia::Frame& frame);
  void write_tables();
  void write_audio();
  void write_section(uint16_t pid, uint8_t table, Bytes body);
  struct Pes {
    uint16_t pid;
    uint8_t stream_id;
    uint64_t pts, dts;
    std::vector<size_t> ends;  // of the frames, in its data; of `pes` as a whole when it is written
  };
  void write_pes(Pes pes, Bytes data);
  void write_packets(uint16_t pid, Bytes data, const Pes* pes);  // null: of a section
  void begin_payload();

  static constexpr size_t kPids = 8192;

  const FlvMedia& media_;
  TsClip clip_;
  ByteVector parameter_sets_;        // with start codes
  size_t length_bytes_ = 4;          // of a NAL unit's length
  std::array<std::byte, 2> adts_{};  // what of an ADTS header the configuration says
  int64_t time_ms_ = 0;              // of the frame at hand
  ByteVector audio_;                 // frames that wait for more
  std::vector<size_t> audio_ends_;   // in it
  int64_t audio_time_ms_ = 0;        // of the first of them
};

}  // namespace headgate::load
