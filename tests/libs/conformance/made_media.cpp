// SPDX-License-Identifier: LGPL-2.1-or-later
#include "made_media.h"

namespace headgate::test {
namespace {

std::string number(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  return out;
}
std::string u32(uint64_t value) {
  return number(value, 4);
}
std::string zeros(size_t count) {
  return std::string(count, '\0');
}
std::string box(const char* name, const std::string& body) {
  return u32(body.size() + 8) + name + body;
}
std::string full(const char* name, uint32_t flags, const std::string& body, uint8_t version = 0) {
  return box(name, u32(uint32_t{version} << 24 | flags) + body);
}

std::string entry(const MadeTrack& track) {
  if (track.video) {
    const std::string avcc = box("avcC", std::string("\x01\x64\x00\x1e\xff\xe0\x00", 7));
    const std::string colr =
        track.transfer == 0
            ? ""
            : box("colr", "nclx" + number(9, 2) + number(track.transfer, 2) + number(9, 2) + zeros(1));
    return box("avc1", zeros(6) + number(1, 2) + zeros(16) + number(track.width, 2) +
                           number(track.height, 2) + zeros(50) + avcc + colr);
  }
  // ES, decoder configuration, AAC-LC of 48 kHz in stereo.
  const std::string info = std::string("\x05\x02\x11\x90", 4);
  const std::string config = std::string("\x04", 1) + number(13 + info.size(), 1) + "\x40" + zeros(12) + info;
  const std::string es = std::string("\x03", 1) + number(3 + config.size(), 1) + zeros(3) + config;
  return box("mp4a", zeros(6) + number(1, 2) + zeros(8) + number(2, 2) + number(16, 2) + zeros(4) +
                         u32(uint64_t{track.timescale} << 16) + full("esds", 0, es));
}

std::string trak(const MadeTrack& track, const MadeInit& init) {
  const std::string tkhd = full("tkhd", 3,
                                zeros(8) + u32(track.id) + zeros(4) + u32(init.duration) + zeros(8 + 8 + 36) +
                                    u32(uint64_t{track.width} << 16) + u32(uint64_t{track.height} << 16));
  const std::string mdhd = full("mdhd", 0, zeros(8) + u32(track.timescale) + zeros(8));
  const std::string hdlr = full("hdlr", 0, zeros(4) + (track.video ? "vide" : "soun") + zeros(13));
  const std::string stts =
      full("stts", 0, u32(init.samples > 0 ? 1 : 0) + (init.samples > 0 ? u32(init.samples) + u32(1) : ""));
  const std::string stbl =
      box("stbl", full("stsd", 0, u32(1) + entry(track)) + stts + full("stsz", 0, zeros(8)));
  return box("trak", tkhd + box("mdia", mdhd + hdlr + box("minf", stbl)));
}

}  // namespace

std::string made_init(const MadeInit& init) {
  std::string traks, trexs;
  for (const MadeTrack& track : init.tracks) {
    traks += trak(track, init);
    trexs += full("trex", 0, u32(track.id) + u32(1) + zeros(12));
  }
  const std::string mvhd = full("mvhd", 0, zeros(8) + u32(1000) + u32(init.duration) + zeros(80));
  return box("ftyp", "iso6" + zeros(4) + "cmfc") +
         box("moov", mvhd + traks + (init.mvex ? box("mvex", trexs) : ""));
}

std::string made_chunk(const MadeChunk& chunk) {
  const uint32_t kDurations = 0x8, kSizes = 0x10, kFlags = 0x20, kMoofIsBase = 0x20000;
  const std::string tfhd =
      full("tfhd", kDurations | kSizes | kFlags | (chunk.base_offset ? 1 : kMoofIsBase),
           u32(chunk.track) + (chunk.base_offset ? zeros(8) : "") + u32(chunk.duration) +
               u32(chunk.sample_bytes) + u32(chunk.track == 1 ? 0x01010000 : 0x02000000));
  const std::string tfdt = chunk.tfdt ? full("tfdt", 0, number(chunk.time, 8), 1) : "";
  const auto moof = [&](uint32_t offset) {
    const auto flags = [](bool key) { return u32(key ? 0x02000000 : 0x01010000); };
    const bool each_flags = chunk.flagged > 0, first_flags = chunk.track == 1 && !each_flags;
    std::string each;
    for (uint32_t i = 0; (chunk.later > 0 || each_flags) && i < chunk.samples; ++i) {
      if (each_flags) each += flags(i == 0 ? chunk.key : i == chunk.flagged);
      if (chunk.later > 0) each += u32(i + 1 < chunk.samples ? 0 : chunk.later);
    }
    const std::string trun =
        full("trun", 1 | (first_flags ? 4 : 0) | (each_flags ? 0x400 : 0) | (chunk.later > 0 ? 0x800 : 0),
             u32(chunk.samples) + u32(offset) + (first_flags ? flags(chunk.key) : "") + each);
    return box("moof", full("mfhd", 0, u32(1)) + box("traf", tfhd + tfdt + trun));
  };
  std::string data;
  for (uint32_t i = 0; i < chunk.samples; ++i) {
    // One NAL unit, a slice.
    std::string sample = u32(chunk.sample_bytes - 4) +
                         static_cast<char>(i == 0                                    ? chunk.nal_type
                                           : chunk.flagged > 0 && i == chunk.flagged ? chunk.flagged_type
                                                                                     : 1);
    sample.resize(chunk.sample_bytes, '\x55');
    data += sample;
  }
  const auto offset = static_cast<uint32_t>(moof(0).size() + 8) + static_cast<uint32_t>(chunk.shift);
  return moof(offset) + box("mdat", data);
}

std::string made_segment(uint64_t at, bool with_sound) {
  std::string out = made_chunk({1, at * 180000});
  if (with_sound) out += made_chunk({2, at * 94 * 1024, 94, 1024, true, 0});
  return out;
}

}  // namespace headgate::test
