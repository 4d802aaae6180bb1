// SPDX-License-Identifier: LGPL-2.1-or-later
#include "pes.h"

#include <algorithm>

namespace headgate::mpegts {
namespace {

constexpr size_t kFixedBytes = 9;  // up to PES_header_data_length
constexpr size_t kLengthEnd = 6;   // what PES_packet_length counts begins here
constexpr size_t kTimeBytes = 5;
constexpr size_t kFullPayload = kPacketBytes - 4;

// Those whose packets have the header with times: audio, video, private_stream_1, extended (table 2-22).
bool has_media_header(uint8_t stream_id) {
  constexpr uint8_t kPrivateStream1 = 0xbd, kFirstAudio = 0xc0, kLastVideo = 0xef, kExtended = 0xfd;
  return stream_id == kPrivateStream1 || (stream_id >= kFirstAudio && stream_id <= kLastVideo) ||
         stream_id == kExtended;
}

// PTS or DTS (table 2-21). Nothing where a marker bit is not set: that is no time.
std::optional<uint64_t> parse_time(Bytes bytes) {
  ByteReader reader(bytes);
  const uint64_t high = reader.u8(), middle = reader.u16(), low = reader.u16();
  if (!reader.ok() || !(high & middle & low & 1)) return std::nullopt;
  return (high >> 1 & 7) << 30 | middle >> 1 << 15 | low >> 1;
}

std::optional<PesTime> parse_times(uint8_t flags, Bytes fields) {
  const bool has_pts = flags & 0x80, has_dts = (flags & 0xc0) == 0xc0;
  if (!has_pts || fields.size() < kTimeBytes) return std::nullopt;
  const std::optional<uint64_t> pts = parse_time(fields.first(kTimeBytes));
  if (!pts) return std::nullopt;
  if (!has_dts) return PesTime{*pts, *pts, false};
  if (fields.size() < 2 * kTimeBytes) return std::nullopt;
  const std::optional<uint64_t> dts = parse_time(fields.subspan(kTimeBytes, kTimeBytes));
  if (!dts) return std::nullopt;  // that it is not the PTS is all that is known
  return PesTime{*pts, *dts, true};
}

}  // namespace

PesReader::PesReader(std::unique_ptr<Assembler> assembler, Stats& stats)
    : assembler_(std::move(assembler)), stats_(&stats) {}

void PesReader::feed(const Packet& packet) {
  if (packet.payload.empty()) return;
  switch (continuity_.step(packet)) {
    case Continuity::Step::duplicate:
      return;
    case Continuity::Step::gap:
      ++stats_->discontinuities;
      lose();
      break;
    case Continuity::Step::restart:
      if (!packet.start || !ended_as_stated()) lose();
      break;
    case Continuity::Step::next:
      break;
  }
  last_full_ = packet.payload.size() == kFullPayload;
  if (packet.start) return begin(packet.payload);
  if (state_ == State::header) {
    header_.insert(header_.end(), packet.payload.begin(), packet.payload.end());
    return read_header();
  }
  read_payload(packet.payload);
}

void PesReader::begin(Bytes payload) {
  if (state_ == State::header || (state_ == State::payload && stated_ > 0)) {
    ++stats_->broken_pes;
    lose();
  }
  state_ = State::header;
  header_.assign(payload.begin(), payload.end());
  read_header();
}

void PesReader::read_header() {
  constexpr uint32_t kStartCode = 1;
  if (header_.size() < kFixedBytes) return;
  ByteReader reader(header_);
  const uint32_t start_code = reader.u24();
  const uint8_t stream_id = reader.u8();
  const size_t length = reader.u16();
  const bool right_form = (reader.u8() & 0xc0) == 0x80;
  const uint8_t flags = reader.u8();
  const size_t header_end = kFixedBytes + reader.u8();
  if (start_code != kStartCode) return refuse();
  if (!has_media_header(stream_id)) {
    state_ = State::skip;  // padding and the like
    return;
  }
  if (!right_form) return refuse();
  if (length > 0 && kLengthEnd + length < header_end) return refuse();
  if (header_.size() < header_end) return;
  stated_ = length > 0 ? kLengthEnd + length - header_end : 0;
  received_ = 0;
  state_ = length > 0 && stated_ == 0 ? State::skip : State::payload;
  if (state_ == State::skip) return;
  assembler_->begin_pes(parse_times(flags, Bytes(header_).subspan(kFixedBytes, header_end - kFixedBytes)));
  read_payload(Bytes(header_).subspan(header_end));
}

void PesReader::read_payload(Bytes payload) {
  if (payload.empty() || state_ == State::skip) return;
  assembler_->append(payload);
  received_ += payload.size();
  if (state_ != State::payload || stated_ == 0 || received_ < stated_) return;
  state_ = State::excess;
  assembler_->end_pes();
}

void PesReader::lose() {
  state_ = State::skip;
  assembler_->lose();
}

void PesReader::refuse() {
  ++stats_->broken_pes;
  lose();
}

void PesReader::finish() {
  // A length that was exceeded says nothing.
  const bool unstated = state_ == State::excess || (state_ == State::payload && stated_ == 0);
  assembler_->finish(ended_as_stated() || (unstated && !last_full_));
  state_ = State::skip;
}

}  // namespace headgate::mpegts
