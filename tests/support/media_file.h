// SPDX-License-Identifier: LGPL-2.1-or-later
// Access units from a real encoder, with their timestamps as an independent demuxer (ffprobe) gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <base/bytes.h>
#include <codec/track.h>

#include "scratch_directory.h"

namespace headgate::test {

// Standard output of a shell command; fails the running test when the command does.
std::string output_of(const std::string& command);

struct Packet {
  codec::Kind kind = codec::Kind::video;
  int64_t dts = 0, pts = 0;  // ticks of its track's timescale
  uint32_t duration = 0;
  bool key = false;
  Bytes data;  // into MediaFile::bytes
};

struct MediaFile {
  ByteVector bytes;
  std::optional<codec::Track> video, audio;
  std::vector<Packet> packets;  // by decode time
};

// Runs ffmpeg with `arguments` (inputs, encoders) into an .mp4 with a 90 kHz video track. All times are moved
// so that none is negative.
MediaFile encode(const std::string& arguments);

// What ffprobe finds in a file, in file order. Only the kind, times, duration and key flag are set.
std::vector<Packet> probe_packets(const std::string& path);

}  // namespace headgate::test
