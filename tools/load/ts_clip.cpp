// SPDX-License-Identifier: LGPL-2.1-or-later
#include <load/ts_clip.h>
#include <load/ts_maker.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace headgate::load {
namespace {

constexpr int64_t kTicksPerMs = 90;

uint16_t pid_of(const std::byte* packet) {
  return static_cast<uint16_t>((std::to_integer<unsigned>(packet[1]) & 0x1f) << 8 |
                               std::to_integer<unsigned>(packet[2]));
}

}  // namespace

// 2.4.3.7: four bits that stay, then 3, 15 and 15 bits of the time, each followed by a one.
void put_stamp(std::byte* at, uint64_t ticks) {
  auto byte = [](uint64_t value) { return static_cast<std::byte>(value & 0xff); };
  at[0] = (at[0] & std::byte{0xf0}) | byte((ticks >> 30 & 7) << 1 | 1);
  at[1] = byte(ticks >> 22);
  at[2] = byte((ticks >> 15 & 0x7f) << 1 | 1);
  at[3] = byte(ticks >> 7);
  at[4] = byte((ticks & 0x7f) << 1 | 1);
}

// 2.4.3.5: 33 bits, six reserved ones, and nine bits of 27 MHz, which are zero.
void put_clock(std::byte* at, uint64_t ticks) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(ticks >> (25 - 8 * i) & 0xff);
  at[4] = static_cast<std::byte>((ticks & 1) << 7 | 0x7e);
  at[5] = std::byte{0};
}

Result<TsClip> TsClip::load(const std::string& path) {
  auto flv = read_clip_file(path);
  if (!flv) return Unexpected(flv.error());
  auto clip = parse(*flv);
  if (!clip) return Unexpected(path + ": " + clip.error().message);
  return clip;
}

Result<TsClip> TsClip::parse(Bytes flv) {
  auto media = FlvMedia::parse(flv);
  if (!media) return Unexpected(media.error());
  return TsMaker::make(*media);
}

size_t TsClip::copy(uint32_t first, uint64_t count, std::span<std::byte> out) const {
  const uint64_t index = first + count, round = index / payloads_.size();
  const size_t which = index % payloads_.size();
  const Payload& payload = payloads_[which];
  std::memcpy(out.data(), packets_.data() + payload.offset, payload.size);
  for (size_t at = 0; at < payload.size; at += kPacketBytes) {
    std::byte& flags = out[at + 3];
    const uint64_t counter = std::to_integer<uint64_t>(flags) + round * continuity_[pid_of(&out[at])];
    flags = (flags & std::byte{0xf0}) | static_cast<std::byte>(counter & 0x0f);
  }
  const uint64_t shift = round * static_cast<uint64_t>(length_ms_ * kTicksPerMs);
  const size_t end = which + 1 < payloads_.size() ? payloads_[which + 1].times : times_.size();
  for (size_t i = payload.times; i < end; ++i) {
    std::byte* at = &out[times_[i].at - payload.offset];
    const uint64_t ticks = (times_[i].ticks + shift) & kTimeMask;
    times_[i].clock ? put_clock(at, ticks) : put_stamp(at, ticks);
  }
  return payload.size;
}

Clip::Counts TsClip::before(uint64_t payload) const {
  const uint64_t rounds = payload / payloads_.size();
  const Clip::Counts &all = before_.back(), &part = before_[payload % payloads_.size()];
  return {rounds * all.video + part.video, rounds * all.audio + part.audio};
}

Clip::Counts TsClip::count(uint32_t first, uint64_t count) const {
  const Clip::Counts to = before(first + count), from = before(first);
  return {to.video - from.video, to.audio - from.audio};
}

}  // namespace headgate::load
