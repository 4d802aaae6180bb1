// SPDX-License-Identifier: LGPL-2.1-or-later
// Enhanced RTMP's messages, written byte by byte (Enhanced RTMP v2, ExVideoTagHeader and ExAudioTagHeader),
// and files of a real encoder sent in them.
#pragma once

#include <optional>
#include <string>

#include "publisher.h"

namespace headgate::test {

enum class ExVideo : uint8_t { start = 0, frames = 1, end = 2, frames_x = 3, metadata = 4, ts_start = 5 };
enum class ExAudio : uint8_t { start = 0, frames = 1, end = 2, multichannel = 4 };

// What may come between a message's first byte and its codec.
struct ExOptions {
  std::optional<uint32_t> nano;  // TimestampOffsetNano
  std::optional<uint8_t> track;  // Multitrack, OneTrack
};

// `fourcc`: "hvc1". `composition_ms`: only with frames of avc1 and hvc1.
ByteVector ex_video(ExVideo type, bool key, const std::string& fourcc, Bytes payload,
                    std::optional<int32_t> composition_ms = {}, const ExOptions& options = {});
ByteVector ex_audio(ExAudio type, const std::string& fourcc, Bytes payload, const ExOptions& options = {});

// The codec's name on the wire, and what SequenceStart carries of it.
std::string fourcc_of(const codec::Track& track);
ByteVector record_of(const codec::Track& track);

// All packets of a file, in order, in the forms above; AC-3 and E-AC-3 without SequenceStart. H.265 as
// `legacy`: FLV's codec 12.
void send_enhanced(AdmittedPublisher& publisher, const MediaFile& media, const ExOptions& options = {},
                   bool legacy = false);
void send_enhanced(AdmittedPublisher& publisher, const MediaFile& media, const Packet& packet,
                   const ExOptions& options = {}, bool legacy = false);

}  // namespace headgate::test
