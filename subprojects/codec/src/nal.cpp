// SPDX-License-Identifier: LGPL-2.1-or-later
#include <codec/frame_hash.h>
#include <codec/nal.h>

namespace headgate::codec {
namespace {

constexpr unsigned kHashedLengthBytes = 4;  // the length that is hashed before each NAL unit

bool has_nal_units(Codec codec) {
  return codec == Codec::h264 || codec == Codec::h265;
}

// lengthSizeMinusOne: byte 4 of avcC, byte 21 of hvcC (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1).
size_t length_size_at(const Track& track) {
  if (!has_nal_units(track.codec)) return SIZE_MAX;
  return track.codec == Codec::h265 ? 21 : 4;
}

Bytes without_trailing_zeros(Bytes nal) {
  while (!nal.empty() && nal.back() == std::byte{0}) nal = nal.first(nal.size() - 1);
  return nal;
}

}  // namespace

std::optional<Bytes> NalReader::next() {
  while (reader_.remaining() > 0) {
    const size_t length = length_size_ == 4   ? reader_.u32()
                          : length_size_ == 2 ? reader_.u16()
                                              : reader_.u8();
    const Bytes nal = reader_.bytes(length);
    if (!reader_.ok()) return std::nullopt;
    if (!nal.empty()) return nal;
  }
  return std::nullopt;
}

unsigned nal_length_size(const Track& track) {
  const size_t at = length_size_at(track);
  return at < track.config.size() ? (std::to_integer<unsigned>(track.config[at]) & 3) + 1 : 4;
}

void set_nal_length_size(Track& track, unsigned length_size) {
  const size_t at = length_size_at(track);
  if (at >= track.config.size()) return;
  track.config[at] = (track.config[at] & ~std::byte{3}) | static_cast<std::byte>((length_size - 1) & 3);
}

bool is_vcl(Codec codec, Bytes nal) {
  if (nal.empty()) return false;
  const auto header = std::to_integer<unsigned>(nal[0]);
  switch (codec) {
    case Codec::h264:
      return (header & 0x1f) >= 1 && (header & 0x1f) <= 5;
    case Codec::h265:
      return (header >> 1 & 0x3f) < 32;
    case Codec::av1:
    case Codec::vp9:
    case Codec::mjpeg:
    case Codec::aac:
    case Codec::opus:
    case Codec::ac3:
    case Codec::eac3:
    case Codec::flac:
      return false;
  }
  return false;
}

FrameHasher::FrameHasher(const Track& track)
    : codec_(track.codec), length_size_(has_nal_units(track.codec) ? nal_length_size(track) : 0) {}

Digest FrameHasher::hash(Bytes access_unit) {
  if (length_size_ == 0) {
    sha_.update(access_unit);
    return sha_.finish();
  }
  NalReader reader(access_unit, length_size_);
  while (const std::optional<Bytes> nal = reader.next()) {
    if (!is_vcl(codec_, *nal)) continue;
    const Bytes body = without_trailing_zeros(*nal);
    std::array<std::byte, kHashedLengthBytes> length;
    for (unsigned i = 0; i < length.size(); ++i)
      length[i] = static_cast<std::byte>(body.size() >> (24 - 8 * i));
    sha_.update(length);
    sha_.update(body);
  }
  const Digest digest = sha_.finish();
  if (reader.ok()) return digest;
  sha_.update(access_unit);
  return sha_.finish();
}

std::optional<Bytes> FrameHasher::message(Bytes access_unit) const {
  if (length_size_ == 0) return access_unit;
  if (length_size_ != kHashedLengthBytes) return std::nullopt;
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
  NalReader reader(access_unit, length_size_);
  while (const std::optional<Bytes> nal = reader.next()) {
    if (!is_vcl(codec_, *nal)) continue;
    const std::byte* const prefix = nal->data() - kHashedLengthBytes;
    if ((begin && prefix != end) || nal->back() == std::byte{0}) return std::nullopt;
    if (!begin) begin = prefix;
    end = nal->data() + nal->size();
  }
  if (!reader.ok()) return std::nullopt;
  return Bytes(begin, end);
}

}  // namespace headgate::codec
