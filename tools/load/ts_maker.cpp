// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/ts_maker.h>

#include <algorithm>
#include <utility>

namespace headgate::load {
namespace {

constexpr uint16_t kPatPid = 0, kPmtPid = 0x1000, kVideoPid = 0x100, kAudioPid = 0x101;
constexpr uint8_t kPatTable = 0, kPmtTable = 2, kH264Type = 0x1b, kAdtsType = 0x0f;
constexpr uint8_t kVideoStream = 0xe0, kAudioStream = 0xc0;
constexpr int64_t kTicksPerMs = 90;
constexpr uint64_t kFirstTicks = 90'000;  // so that a composition offset never leads below zero
constexpr uint64_t kClockAhead = 9'000;   // the clock is so much before the picture
// A PES packet of sound is written when it would be longer than this, in time or in bytes.
constexpr int64_t kAudioMs = 100;
constexpr size_t kAudioBytes = 4 * 184 - 14;  // four packets
constexpr size_t kPacket = TsClip::kPacketBytes, kRoom = kPacket - 4;
constexpr size_t kClockBytes = 6, kClockField = 2 + kClockBytes;
constexpr uint32_t kStampsAt = 9, kStampBytes = 5;  // in a PES packet
constexpr std::array<std::byte, 4> kStartCode = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}};
constexpr std::array<std::byte, 6> kDelimiter = {std::byte{0}, std::byte{0}, std::byte{0},
                                                 std::byte{1}, std::byte{9}, std::byte{0xf0}};

uint32_t crc(Bytes data) {  // annex A
  uint32_t value = 0xffffffff;
  for (const std::byte byte : data)
    for (int bit = 7; bit >= 0; --bit) {
      const bool one = (value >> 31 ^ (std::to_integer<uint32_t>(byte) >> bit & 1)) & 1;
      value = value << 1 ^ (one ? 0x04c11db7 : 0);
    }
  return value;
}

void append(ByteVector& out, Bytes bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

uint64_t ticks_of(int64_t ms) {
  return kFirstTicks + static_cast<uint64_t>(ms * kTicksPerMs);
}

}  // namespace

Result<TsClip> TsMaker::make(const FlvMedia& media) {
  TsMaker maker(media);
  if (auto read = maker.read_headers(); !read) return Unexpected(read.error());
  for (const FlvMedia::Frame& frame : media.frames)
    if (auto added = maker.add(frame); !added) return Unexpected(added.error());
  maker.write_audio();
  TsClip& clip = maker.clip_;
  clip.length_ms_ = media.length_ms;
  clip.before_.emplace_back();
  for (const TsClip::Payload& payload : clip.payloads_) {
    Clip::Counts sum = clip.before_.back();
    sum.video += payload.video;
    sum.audio += payload.audio;
    clip.before_.push_back(sum);
  }
  return std::move(clip);
}

// AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) and AudioSpecificConfig (14496-3, 1.6.2.1).
Result<void> TsMaker::read_headers() {
  ByteReader avc(media_.video_header);
  avc.skip(5 + 4);
  length_bytes_ = (avc.u8() & 3) + 1u;
  for (const uint8_t mask : {0x1f, 0xff}) {  // the number of SPS has five bits
    for (unsigned left = avc.u8() & mask; left > 0 && avc.ok(); --left) {
      append(parameter_sets_, kStartCode);
      append(parameter_sets_, avc.bytes(avc.u16()));
    }
  }
  if (!avc.ok()) return Unexpected("its H.264 sequence header is cut short");
  if (!media_.has_audio()) return {};
  ByteReader aac(media_.audio_header);
  aac.skip(2);
  const unsigned config = aac.u16();
  const unsigned object = config >> 11, rate = config >> 7 & 15, channels = config >> 3 & 15;
  if (!aac.ok() || object < 1 || object > 4 || rate > 12 || channels == 0 || channels > 7)
    return Unexpected("its AAC is none that ADTS can carry");
  adts_ = {static_cast<std::byte>((object - 1) << 6 | rate << 2 | channels >> 2),
           static_cast<std::byte>((channels & 3) << 6)};
  return {};
}

Result<void> TsMaker::add(const FlvMedia::Frame& frame) {
  if (frame.keyframe) {
    // All that came before belongs to the GOP before: a session may begin here.
    write_audio();
    time_ms_ = frame.time_ms;
    begin_payload();
    clip_.keyframes_.push_back(static_cast<uint32_t>(clip_.payloads_.size() - 1));
    write_tables();
  }
  time_ms_ = frame.time_ms;
  return frame.video ? add_video(frame) : add_audio(frame);
}

Result<void> TsMaker::add_video(const FlvMedia::Frame& frame) {
  ByteReader body(frame.body);
  body.skip(2);
  const auto composition = static_cast<int32_t>(body.u24() << 8) >> 8;  // signed
  ByteVector unit(kDelimiter.begin(), kDelimiter.end());
  if (frame.keyframe) append(unit, parameter_sets_);
  while (body.remaining() > 0) {
    size_t length = 0;
    for (size_t i = 0; i < length_bytes_; ++i) length = length << 8 | body.u8();
    append(unit, kStartCode);
    append(unit, body.bytes(length));
  }
  if (!body.ok()) return Unexpected("a picture is cut short");
  const uint64_t dts = ticks_of(frame.time_ms);
  const uint64_t pts = dts + static_cast<uint64_t>(int64_t{composition} * kTicksPerMs);
  write_pes({kVideoPid, kVideoStream, pts & kTimeMask, dts, {unit.size()}}, unit);
  return {};
}

Result<void> TsMaker::add_audio(const FlvMedia::Frame& frame) {
  constexpr size_t kHeader = 7, kMostBytes = (1 << 13) - 1;  // 14496-3, 1.A.2.2
  const size_t size = frame.body.size() - 2 + kHeader;
  if (frame.body.size() < 2 || size > kMostBytes)
    return Unexpected("a frame of sound that ADTS cannot carry");
  if (audio_.size() + size > kAudioBytes || frame.time_ms - audio_time_ms_ >= kAudioMs) write_audio();
  if (audio_.empty()) audio_time_ms_ = frame.time_ms;
  ByteWriter writer(audio_);
  writer.u16(0xfff1);
  writer.bytes(Bytes(adts_).first(1));
  writer.u8(std::to_integer<unsigned>(adts_[1]) | size >> 11);
  writer.u8(size >> 3);
  writer.u8((size & 7) << 5 | 0x1f);
  writer.u8(0xfc);
  writer.bytes(frame.body.subspan(2));
  audio_ends_.push_back(audio_.size());
  return {};
}

void TsMaker::write_audio() {
  if (audio_.empty()) return;
  const uint64_t pts = ticks_of(audio_time_ms_);
  write_pes({kAudioPid, kAudioStream, pts, pts, std::exchange(audio_ends_, {})}, std::exchange(audio_, {}));
}

void TsMaker::write_tables() {
  ByteVector pat, pmt;
  ByteWriter writer(pat);
  writer.u16(1);  // transport stream
  writer.u8(0xc1);
  writer.u16(0);
  writer.u16(1);  // program
  writer.u16(0xe000 | kPmtPid);
  write_section(kPatPid, kPatTable, pat);
  ByteWriter map(pmt);
  map.u16(1);
  map.u8(0xc1);
  map.u16(0);
  map.u16(0xe000 | kVideoPid);  // has the clock
  map.u16(0xf000);
  auto stream = [&](uint8_t type, uint16_t pid) {
    map.u8(type);
    map.u16(0xe000 | pid);
    map.u16(0xf000);
  };
  stream(kH264Type, kVideoPid);
  if (media_.has_audio()) stream(kAdtsType, kAudioPid);
  write_section(kPmtPid, kPmtTable, pmt);
}

// In one packet, whose rest is stuffing.
void TsMaker::write_section(uint16_t pid, uint8_t table, Bytes body) {
  ByteVector section{std::byte{0}};  // it begins at once
  ByteWriter writer(section);
  writer.u8(table);
  writer.u16(0xb000 | (body.size() + 4));
  writer.bytes(body);
  writer.u32(crc(Bytes(section).subspan(1)));
  section.resize(kRoom, std::byte{0xff});
  write_packets(pid, section, nullptr);
}

void TsMaker::write_pes(Pes pes, Bytes data) {
  const bool both = pes.pts != pes.dts;
  ByteVector out;
  ByteWriter writer(out);
  const size_t header = both ? 10 : 5, length = 3 + header + data.size();
  writer.u24(1);
  writer.u8(pes.stream_id);
  writer.u16(length <= 0xffff ? length : 0);  // where it fits: a picture that was cut off is known by it
  writer.u8(0x84);                            // begins with a frame
  writer.u8(both ? 0xc0 : 0x80);
  writer.u8(header);
  writer.u8(both ? 0x30 : 0x20);
  writer.zeros(4);
  if (both) {
    writer.u8(0x10);
    writer.zeros(4);
  }
  put_stamp(&out[kStampsAt], pes.pts);
  if (both) put_stamp(&out[kStampsAt + kStampBytes], pes.dts);
  for (size_t& end : pes.ends) end += out.size();
  writer.bytes(data);
  write_packets(pes.pid, out, &pes);
}

// The last one's stuffing stands in its adaptation field, and the clock in the first one's.
void TsMaker::write_packets(uint16_t pid, Bytes data, const Pes* pes) {
  ByteVector& out = clip_.packets_;
  ByteWriter writer(out);
  size_t written = 0, ended = 0;
  for (bool start = true; !data.empty(); start = false) {
    if (clip_.payloads_.empty() || clip_.payloads_.back().size == TsClip::kPayloadBytes) begin_payload();
    const bool clock = start && pes && pid == kVideoPid;
    const size_t size = std::min(kRoom - (clock ? kClockField : 0), data.size()), field = kRoom - size;
    writer.u8(0x47);
    writer.u16((start ? 0x4000u : 0u) | pid);
    writer.u8((field > 0 ? 0x30u : 0x10u) | (clip_.continuity_[pid]++ & 0x0fu));
    if (field > 0) writer.u8(field - 1);
    if (field > 1) writer.u8(clock ? 0x10 : 0);
    size_t stuffing = field > 2 ? field - 2 : 0;
    if (clock) {
      const uint64_t ticks = (pes->dts - kClockAhead) & kTimeMask;
      clip_.times_.push_back({static_cast<uint32_t>(out.size()), true, ticks});
      writer.zeros(kClockBytes);
      put_clock(&out[out.size() - kClockBytes], ticks);
      stuffing -= kClockBytes;
    }
    out.insert(out.end(), stuffing, std::byte{0xff});
    if (start && pes) {
      const auto at = static_cast<uint32_t>(out.size() + kStampsAt);
      clip_.times_.push_back({at, false, pes->pts});
      if (pes->pts != pes->dts) clip_.times_.push_back({at + kStampBytes, false, pes->dts});
    }
    writer.bytes(data.first(size));
    data = data.subspan(size);
    written += size;
    TsClip::Payload& payload = clip_.payloads_.back();
    payload.size += kPacket;
    payload.time_ms = static_cast<uint32_t>(time_ms_);
    for (; pes && ended < pes->ends.size() && pes->ends[ended] <= written; ++ended)
      ++(pid == kVideoPid ? payload.video : payload.audio);
  }
}

void TsMaker::begin_payload() {
  TsClip::Payload payload;
  payload.offset = static_cast<uint32_t>(clip_.packets_.size());
  payload.times = static_cast<uint32_t>(clip_.times_.size());
  clip_.payloads_.push_back(payload);
}

}  // namespace headgate::load
