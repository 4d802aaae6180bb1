// SPDX-License-Identifier: LGPL-2.1-or-later
#include <rtmp/flv.h>

#include <array>
#include <string_view>

namespace headgate::rtmp {
namespace {

constexpr std::array<std::string_view, 13> kVideoNames = {
    "", "", "H.263", "Screen video", "VP6", "VP6 with alpha", "Screen video 2", "H.264", "",
    "", "", "",      "HEVC"};
constexpr std::array<std::string_view, 16> kAudioNames = {"PCM",
                                                          "ADPCM",
                                                          "MP3",
                                                          "PCM, little endian",
                                                          "Nellymoser 16 kHz",
                                                          "Nellymoser 8 kHz",
                                                          "Nellymoser",
                                                          "A-law",
                                                          "mu-law",
                                                          "",
                                                          "AAC",
                                                          "Speex",
                                                          "",
                                                          "",
                                                          "MP3 8 kHz",
                                                          "device-specific"};

std::string legacy_name(const char* kind, uint8_t id, std::string_view name) {
  std::string out = std::string(kind) + " codec " + std::to_string(id);
  if (!name.empty()) out += " (" + std::string(name) + ")";
  return out;
}

// Four characters, or hex where a stranger sent something else.
std::string fourcc_text(uint32_t code) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    char c = static_cast<char>(code >> shift & 0xff);
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                 (c == ' ' && shift == 0);
    if (!plain) {
      std::array<std::byte, 4> raw{};
      for (size_t i = 0; i < 4; ++i) raw[i] = static_cast<std::byte>(code >> (24 - 8 * i));
      static constexpr char kHex[] = "0123456789abcdef";
      out = "0x";
      for (std::byte b : raw) {
        out += kHex[std::to_integer<size_t>(b >> 4)];
        out += kHex[std::to_integer<size_t>(b & std::byte{15})];
      }
      return out;
    }
    out += c;
  }
  return out;
}

std::optional<double> number_of(const AmfValue& object, std::string_view key) {
  const AmfValue* value = object.find(key);
  if (!value || value->type != AmfValue::kNumber) return std::nullopt;
  return value->number;
}

// videocodecid and audiocodecid are numbers or strings; 0, "" and null say that there is no such track,
// except that 0 is also PCM audio, which nobody sends.
std::optional<bool> announced(const AmfValue& object, std::string_view key) {
  const AmfValue* value = object.find(key);
  if (!value) return std::nullopt;
  switch (value->type) {
    case AmfValue::kNumber:
      return value->number != 0;
    case AmfValue::kString:
      return !value->string.empty();
    default:
      return false;
  }
}

}  // namespace

std::string codec_name(const VideoHeader& header) {
  if (header.codec != 0) return fourcc_text(header.codec);
  return legacy_name("video", header.codec_id,
                     header.codec_id < kVideoNames.size() ? kVideoNames[header.codec_id] : "");
}

std::string codec_name(const AudioHeader& header) {
  if (header.codec != 0) return fourcc_text(header.codec);
  return legacy_name("audio", header.codec_id, kAudioNames[header.codec_id & 15]);
}

Metadata read_metadata(const AmfValue& object) {
  Metadata out;
  out.width = number_of(object, "width");
  out.height = number_of(object, "height");
  out.frame_rate = number_of(object, "framerate");
  if (!out.frame_rate) out.frame_rate = number_of(object, "videoframerate");
  out.video_kbps = number_of(object, "videodatarate");
  out.audio_kbps = number_of(object, "audiodatarate");
  out.sample_rate = number_of(object, "audiosamplerate");
  out.channels = number_of(object, "audiochannels");
  out.has_video = announced(object, "videocodecid");
  out.has_audio = announced(object, "audiocodecid");
  out.encoder = std::string(object.text("encoder"));
  return out;
}

}  // namespace headgate::rtmp
