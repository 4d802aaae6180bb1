// SPDX-License-Identifier: LGPL-2.1-or-later
// Decoder configurations and access units as a publisher sends them. First byte: which.
#include <cstdint>
#include <cstdlib>

#include <codec/frame_hash.h>
#include <codec/nal.h>

using namespace headgate;

namespace {

void require(bool good) {
  if (!good) std::abort();
}

void check(const Result<codec::Track>& track) {
  if (!track) {
    require(!track.error().message.empty());
    return;
  }
  require(!codec::codecs_string(*track).empty());
  require(track->timescale > 0);
  if (track->kind == codec::Kind::video) {
    require(track->width > 0 && track->height > 0 && track->width <= 16384 && track->height <= 16384);
  } else {
    require(track->channels > 0 && track->sample_rate > 0 && track->frame_samples > 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 3) {
    case 0:
      check(codec::track_from_avcc(bytes));
      break;
    case 1:
      check(codec::track_from_asc(bytes));
      break;
    default: {
      constexpr unsigned kSizes[] = {1, 2, 4};
      for (const unsigned length_size : kSizes) {
        codec::NalReader reader(bytes, length_size);
        size_t total = 0;
        while (const std::optional<Bytes> nal = reader.next()) {
          total += nal->size() + length_size;
          require(!nal->empty());
          (void)codec::is_vcl(codec::Codec::h265, *nal);
        }
        require(total <= bytes.size());
      }
      (void)codec::FrameHasher(codec::Track{}).hash(bytes);
    }
  }
  return 0;
}
