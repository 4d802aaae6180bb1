// SPDX-License-Identifier: LGPL-2.1-or-later
// The hash by which a frame is recognised in another recording of it (docs/archive.md, frame index): it stays
// the same when parameter sets, delimiters, SEI or the length prefixes' size change on the way.
//
// H.264, H.265: SHA-256 over u32be(length) || NAL for each VCL NAL unit in order, from its header byte to the
// byte with the stop bit (trailing zero bytes do not count): the rule of ONVIF Media Signing. Everything
// else: SHA-256 over the access unit as it is; so also a video access unit whose lengths do not add up, which
// therefore never equals a sound one.
#pragma once

#include <optional>

#include <base/bytes.h>
#include <base/sha256.h>
#include <codec/track.h>

namespace headgate::codec {

// Keeps one hash context for all frames of a track. Not thread-safe.
class FrameHasher {
 public:
  explicit FrameHasher(const Track& track);
  Digest hash(Bytes access_unit);
  // The bytes whose SHA-256 is that hash, where they lie in one piece in the access unit, as in what encoders
  // send: 4-byte lengths, VCL NAL units behind each other, no trailing zeros. For who hashes several at once.
  std::optional<Bytes> message(Bytes access_unit) const;

 private:
  Codec codec_;
  unsigned length_size_;  // 0: no NAL units
  Sha256 sha_;
};

}  // namespace headgate::codec
