// SPDX-License-Identifier: LGPL-2.1-or-later
#include "media_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>

#include <base/encoding.h>
#include <base/io.h>
#include <codec/stream_config.h>

namespace headgate::test {
namespace {

constexpr size_t kMaxFile = 256u << 20;

using Fields = std::map<std::string, std::string>;

// One line of ffprobe's compact writer: a=b|c=d.
Fields fields_of(const std::string& line) {
  Fields fields;
  std::istringstream in(line);
  for (std::string pair; std::getline(in, pair, '|');)
    if (const size_t at = pair.find('='); at != std::string::npos)
      fields[pair.substr(0, at)] = pair.substr(at + 1);
  return fields;
}

int64_t number(const Fields& fields, const char* key) {
  const auto it = fields.find(key);
  return it == fields.end() || it->second == "N/A" ? 0 : std::stoll(it->second);
}

// The decoder configuration out of ffprobe's hex dump ("00000000: 0164 001f …  .d..").
ByteVector extradata(const std::string& path, const char* stream) {
  const std::string text =
      output_of("ffprobe -v error -select_streams " + std::string(stream) +
                " -show_entries stream=extradata -show_data -of default=nk=1:nw=1 " + path);
  std::string hex;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string columns = line.substr(colon + 2, line.find("  ", colon + 2) - colon - 2);
    std::copy_if(columns.begin(), columns.end(), std::back_inserter(hex), [](char c) { return c != ' '; });
  }
  return from_hex(hex).value();
}

std::vector<std::pair<Packet, Fields>> probe(const std::string& path) {
  const std::string text = output_of(
      "ffprobe -v quiet -show_entries packet=codec_type,pts,dts,duration,size,pos,flags -of compact=p=0 " +
      path);
  std::vector<std::pair<Packet, Fields>> packets;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const Fields fields = fields_of(line);
    if (!fields.contains("codec_type")) continue;
    Packet packet;
    packet.kind = fields.at("codec_type") == "video" ? codec::Kind::video : codec::Kind::audio;
    packet.dts = number(fields, "dts");
    packet.pts = number(fields, "pts");
    packet.duration = static_cast<uint32_t>(number(fields, "duration"));
    packet.key = fields.at("flags").find('K') != std::string::npos;
    packets.emplace_back(packet, fields);
  }
  return packets;
}

// What ffprobe calls a decoder's configuration, by codec; where there is none, the first access unit says it.
codec::Track track_of(const std::string& path, const char* stream, const std::vector<Packet>& packets,
                      codec::Kind kind) {
  const std::string name = output_of("ffprobe -v error -select_streams " + std::string(stream) +
                                     " -show_entries stream=codec_name -of default=nk=1:nw=1 " + path);
  const auto first = std::find_if(packets.begin(), packets.end(),
                                  [kind](const Packet& packet) { return packet.kind == kind; });
  if (name == "ac3\n") return codec::track_from_ac3_frame(first->data).value();
  if (name == "eac3\n") return codec::track_from_eac3_frame(first->data).value();
  if (name == "vp9\n") return codec::track_from_vp9_frame(first->data).value();
  const ByteVector config = extradata(path, stream);
  if (name == "hevc\n") return codec::track_from_hvcc(config).value();
  if (name == "av1\n") return codec::track_from_av1c(config).value();
  if (name == "opus\n") return codec::track_from_opus_head(config).value();
  if (name == "flac\n") return codec::track_from_flac(config).value();
  return kind == codec::Kind::video ? codec::track_from_avcc(config).value()
                                    : codec::track_from_asc(config).value();
}

}  // namespace

std::string output_of(const std::string& command) {
  std::string text;
  FILE* pipe = ::popen(command.c_str(), "r");
  EXPECT_NE(pipe, nullptr) << command;
  if (pipe == nullptr) return text;
  char buffer[4096];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text.append(buffer, got);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return text;
}

MediaFile encode(const std::string& arguments) {
  ScratchDirectory directory;
  const std::string path = directory.path() + "/source.mp4";
  output_of("ffmpeg -nostdin -v error -y " + arguments + " -video_track_timescale 90000 " + path);
  MediaFile file;
  file.bytes = read_file(path, kMaxFile).value();
  for (auto& [packet, fields] : probe(path)) {
    packet.data =
        Bytes(file.bytes)
            .subspan(static_cast<size_t>(number(fields, "pos")), static_cast<size_t>(number(fields, "size")));
    file.packets.push_back(packet);
  }
  const auto has = [&](codec::Kind kind) {
    return std::any_of(file.packets.begin(), file.packets.end(),
                       [kind](const Packet& packet) { return packet.kind == kind; });
  };
  if (has(codec::Kind::video)) file.video = track_of(path, "v:0", file.packets, codec::Kind::video);
  if (has(codec::Kind::audio)) file.audio = track_of(path, "a:0", file.packets, codec::Kind::audio);
  const auto timescale = [&](const Packet& packet) {
    return packet.kind == codec::Kind::video ? file.video->timescale : file.audio->timescale;
  };
  for (Packet& packet : file.packets) {
    packet.dts += timescale(packet);  // encoders begin up to a few frames before zero
    packet.pts += timescale(packet);
  }
  std::stable_sort(file.packets.begin(), file.packets.end(), [&](const Packet& a, const Packet& b) {
    return a.dts * timescale(b) < b.dts * timescale(a);
  });
  return file;
}

std::vector<Packet> probe_packets(const std::string& path) {
  std::vector<Packet> packets;
  for (auto& [packet, fields] : probe(path)) packets.push_back(packet);
  return packets;
}

}  // namespace headgate::test
