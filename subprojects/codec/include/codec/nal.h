// SPDX-License-Identifier: LGPL-2.1-or-later
// NAL units of one access unit as MP4 and RTMP carry them: each behind its length in 1, 2 or 4 bytes
// (ISO/IEC 14496-15, 4.3.3). Nothing is copied.
#pragma once

#include <optional>

#include <base/bytes.h>
#include <codec/track.h>

namespace headgate::codec {

class NalReader {
 public:
  // `length_size` is 1, 2 or 4 (nal_length_size()).
  NalReader(Bytes access_unit, unsigned length_size) : reader_(access_unit), length_size_(length_size) {}
  // The next NAL unit without its length, empty ones passed over. Nothing: the end, or a length that runs
  // past it (ok() is then false).
  std::optional<Bytes> next();
  bool ok() const { return reader_.ok(); }

 private:
  ByteReader reader_;
  unsigned length_size_;
};

// Bytes of each length prefix by the track's configuration record. H.264 and H.265 only; 4 for what has none.
unsigned nal_length_size(const Track& track);
// Makes `track`'s record say so: 1, 2 or 4.
void set_nal_length_size(Track& track, unsigned length_size);

// Coded slice data: H.264 nal_unit_type 1 to 5 (ITU-T H.264, table 7-1), H.265 0 to 31 (H.265, table 7-1).
// False for an empty unit and for codecs without NAL units.
bool is_vcl(Codec codec, Bytes nal);

}  // namespace headgate::codec
