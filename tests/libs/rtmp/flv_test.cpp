// SPDX-License-Identifier: LGPL-2.1-or-later
// Headers of audio and video messages, each form written down by hand from the specifications.
#include <rtmp/chunk_reader.h>
#include <rtmp/flv.h>

#include <algorithm>

#include "rtmp_support.h"

namespace headgate::rtmp::test {
namespace {

using enum PacketKind;

struct VideoForm {
  const char* name;
  const char* header;
  PacketKind kind;
  const char* codec;  // "": none
  bool keyframe = false;
  int32_t composition_ms = 0;
  uint32_t nano = 0;
  uint8_t track = 0;
};

const VideoForm kVideoForms[] = {
    {"AVC sequence header", "17 00 000000", kSequenceHeader, "avc1", true},
    {"AVC frame, offset 80", "27 01 000050", kFrame, "avc1", false, 80},
    {"AVC frame, offset -80", "27 01 ffffb0", kFrame, "avc1", false, -80},
    {"AVC frame, smallest offset", "17 01 800000", kFrame, "avc1", true, -8388608},
    {"AVC end", "17 02 000000", kEndOfSequence, "avc1", true},
    {"AVC, no such type", "17 03 000000", kMalformed, "avc1", true},
    {"HEVC as 12, sequence header", "1c 00 000000", kSequenceHeader, "hvc1", true},
    {"HEVC as 12, frame", "2c 01 fffffb", kFrame, "hvc1", false, -5},
    {"HEVC as 12, end", "1c 02 000000", kEndOfSequence, "hvc1", true},
    {"a seek's info frame", "57", kCommand, ""},
    {"H.263", "12", kUnsupported, "", true},
    {"hvc1 SequenceStart", "90 68766331", kSequenceHeader, "hvc1", true},
    {"hvc1 CodedFrames", "a1 68766331 000028", kFrame, "hvc1", false, 40},
    {"hvc1 CodedFrames, back", "91 68766331 ffffd8", kFrame, "hvc1", true, -40},
    {"hvc1 CodedFramesX", "a3 68766331", kFrame, "hvc1"},
    {"hvc1 SequenceEnd", "92 68766331", kEndOfSequence, "hvc1", true},
    {"hvc1 Metadata", "94 68766331", kMetadata, "hvc1", true},
    {"avc1 SequenceStart", "90 61766331", kSequenceHeader, "avc1", true},
    {"avc1 CodedFrames", "a1 61766331 000021", kFrame, "avc1", false, 33},
    {"avc1 CodedFramesX", "93 61766331", kFrame, "avc1", true},
    {"av01 SequenceStart", "90 61763031", kSequenceHeader, "av01", true},
    {"av01 CodedFrames has no offset", "91 61763031", kFrame, "av01", true},
    {"av01 MPEG2TSSequenceStart", "95 61763031", kTsDescriptor, "av01", true},
    {"hvc1 MPEG2TSSequenceStart is not defined", "95 68766331", kMalformed, "hvc1", true},
    {"vp09 SequenceStart", "90 76703039", kSequenceHeader, "vp09", true},
    {"vp09 CodedFrames", "a1 76703039", kFrame, "vp09"},
    {"vp09 CodedFramesX, as OBS sends it", "a3 76703039", kFrame, "vp09"},
    {"vp08 is not taken", "91 76703038", kUnsupported, "vp08", true},
    {"vvc1 is not taken", "91 76766331", kUnsupported, "vvc1", true},
    {"no codec at all", "90 01020304", kUnsupported, "\x01\x02\x03\x04", true},
    {"a reserved packet type", "98 68766331", kMalformed, "hvc1", true},
    {"info frame", "d1", kCommand, ""},
    {"Metadata whose frame type is to be ignored", "d4 68766331", kMetadata, "hvc1"},
    {"ModEx nanoseconds", "a7 02 0f423f 03 68766331", kFrame, "hvc1", false, 0, 999'999},
    {"ModEx nanoseconds and an offset", "97 02 000001 01 68766331 ffffff", kFrame, "hvc1", true, -1, 1},
    {"ModEx nanoseconds in four bytes", "a7 03 000102ff 03 68766331", kFrame, "hvc1", false, 0, 258},
    {"ModEx nanoseconds beyond a millisecond", "a7 02 0f4240 03 68766331", kFrame, "hvc1"},
    {"ModEx nanoseconds in two bytes", "a7 01 0001 03 68766331", kFrame, "hvc1"},
    {"ModEx of another type", "a7 00 ff 13 68766331", kFrame, "hvc1"},
    {"ModEx, another type, then nanoseconds", "a7 01 aabb f7 02 00000a 03 68766331", kFrame, "hvc1", false, 0,
     10},
    {"ModEx info frame", "d7 00 aa 11", kCommand, ""},
    {"OneTrack, number 0", "96 01 68766331 00 000028", kFrame, "hvc1", true, 40},
    {"OneTrack, number 3", "a6 03 61763031 03", kFrame, "av01", false, 0, 0, 3},
    {"OneTrack sequence start", "96 00 61766331 ff", kSequenceHeader, "avc1", true, 0, 0, 255},
    {"OneTrack Metadata", "96 04 68766331 01", kMetadata, "hvc1", true, 0, 0, 1},
    {"ModEx OneTrack with everything", "a7 02 000007 06 01 68766331 02 ffffff", kFrame, "hvc1", false, -1, 7,
     2},
    {"ManyTracks", "96 11 68766331", kSeveral, "hvc1", true},
    {"ManyTracksManyCodecs", "96 21", kSeveral, "", true},
    {"a fourth multitrack type", "96 31", kMalformed, "", true},
    {"Multitrack of Multitrack", "96 06", kMalformed, "", true},
    {"Multitrack of ModEx", "96 07", kMalformed, "", true},
};

struct AudioForm {
  const char* name;
  const char* header;
  PacketKind kind;
  const char* codec;
  uint32_t nano = 0;
  uint8_t track = 0;
};

const AudioForm kAudioForms[] = {
    {"AAC sequence header", "af 00", kSequenceHeader, "mp4a"},
    {"AAC frame", "af 01", kFrame, "mp4a"},
    {"AAC, no such type", "af 02", kMalformed, "mp4a"},
    {"MP3", "2f", kUnsupported, ""},
    {"mp4a SequenceStart", "90 6d703461", kSequenceHeader, "mp4a"},
    {"mp4a CodedFrames", "91 6d703461", kFrame, "mp4a"},
    {"Opus SequenceStart", "90 4f707573", kSequenceHeader, "Opus"},
    {"Opus CodedFrames", "91 4f707573", kFrame, "Opus"},
    {"Opus SequenceEnd", "92 4f707573", kEndOfSequence, "Opus"},
    {"Opus MultichannelConfig", "94 4f707573", kMultichannel, "Opus"},
    {"fLaC SequenceStart", "90 664c6143", kSequenceHeader, "fLaC"},
    {"fLaC CodedFrames", "91 664c6143", kFrame, "fLaC"},
    {"ac-3 CodedFrames", "91 61632d33", kFrame, "ac-3"},
    {"ec-3 CodedFrames", "91 65632d33", kFrame, "ec-3"},
    {".mp3 is not taken", "91 2e6d7033", kUnsupported, ".mp3"},
    {"a reserved packet type", "93 4f707573", kMalformed, "Opus"},
    {"video's Multitrack", "96 4f707573", kMalformed, "Opus"},
    {"ModEx nanoseconds", "97 02 07a120 01 4f707573", kFrame, "Opus", 500'000},
    {"ModEx chained", "97 00 00 f7 02 000002 01 4f707573", kFrame, "Opus", 2},
    {"OneTrack", "95 01 4f707573 02", kFrame, "Opus", 0, 2},
    {"OneTrack MultichannelConfig", "95 04 61632d33 00", kMultichannel, "ac-3"},
    {"ManyTracks", "95 11 4f707573", kSeveral, "Opus"},
    {"ManyTracksManyCodecs", "95 21", kSeveral, ""},
    {"a fourth multitrack type", "95 31", kMalformed, ""},
    {"Multitrack of Multitrack", "95 05", kMalformed, ""},
};

uint32_t code(const char* text) {
  uint32_t out = 0;
  for (const char* c = text; *c; ++c) out = out << 8 | static_cast<uint8_t>(*c);
  return out;
}

template <typename Form, typename Header>
void expect_shared(const Form& form, const Header& header, size_t size) {
  EXPECT_EQ(header.kind, form.kind);
  EXPECT_EQ(header.codec, code(form.codec));
  EXPECT_EQ(header.nano_offset, form.nano);
  EXPECT_EQ(header.track, form.track);
  EXPECT_EQ(header.size, size);
}

// A message in chunks of one byte and in one, fed in pieces: the sink sees `prefix` and the rest of it.
void expect_split(uint8_t type, Bytes message, Bytes prefix) {
  ByteVector wire = hex("02 000000 000004 01 00000000 00000003");
  append(wire, hex("06 000000"));
  ByteWriter writer(wire);
  writer.u24(message.size());
  writer.u8(type);
  writer.u32(0);
  for (size_t at = 0; at < message.size(); ++at) {
    if (at > 0 && at % 3 == 0) writer.u8(0xc6);
    writer.bytes(message.subspan(at, 1));
  }
  for (size_t piece = 1; piece <= wire.size(); ++piece) {
    struct Sink : RecordingSink {
      void complete(uint32_t csid, const MessageHeader& header, Bytes head,
                    std::span<std::byte> payload) override {
        prefixes.push_back(to_hex(head));
        RecordingSink::complete(csid, header, head, payload);
      }
      std::vector<std::string> prefixes;
    } sink;
    ChunkReader reader;
    for (size_t at = 0; at < wire.size(); at += piece) {
      ASSERT_TRUE(reader.feed(Bytes(wire).subspan(at, std::min(piece, wire.size() - at)), sink));
      if (piece > 3) continue;
      ByteVector state;  // and through another process after each piece
      reader.save(state);
      const auto seen = sink.seen;
      const auto prefixes = sink.prefixes;
      sink = Sink();
      auto restored = ChunkReader::restore(state, sink);
      ASSERT_TRUE(restored) << restored.error().message;
      reader = std::move(*restored);
      sink.seen = seen;
      sink.prefixes = prefixes;
    }
    ASSERT_EQ(sink.seen.size(), 1u);
    EXPECT_EQ(sink.seen[0].body, to_hex(message));
    EXPECT_EQ(sink.prefixes[0], to_hex(prefix));
  }
}

TEST(Flv, EveryFormOfVideoHeader) {
  for (const VideoForm& form : kVideoForms) {
    SCOPED_TRACE(form.name);
    const ByteVector header = hex(form.header);
    const ByteVector message = joined({header, filled(40, 0x60)});
    for (const ByteVector& bytes : {header, message}) {
      const VideoHeader parsed = parse_video_header(bytes);
      expect_shared(form, parsed, header.size());
      EXPECT_EQ(parsed.keyframe, form.keyframe);
      EXPECT_EQ(parsed.composition_ms, form.composition_ms);
      EXPECT_EQ(video_header_size(bytes), header.size());
    }
    for (size_t size = 0; size < header.size(); ++size) {
      const Bytes cut = Bytes(header).first(size);
      EXPECT_EQ(parse_video_header(cut).kind, size == 0 ? kEmpty : kMalformed) << size;
      EXPECT_GT(video_header_size(cut), size);
      EXPECT_LE(video_header_size(cut), header.size());
    }
    expect_split(kVideo, message, header);
  }
}

TEST(Flv, EveryFormOfAudioHeader) {
  for (const AudioForm& form : kAudioForms) {
    SCOPED_TRACE(form.name);
    const ByteVector header = hex(form.header);
    const ByteVector message = joined({header, filled(40, 0x60)});
    for (const ByteVector& bytes : {header, message}) {
      expect_shared(form, parse_audio_header(bytes), header.size());
      EXPECT_EQ(audio_header_size(bytes), header.size());
    }
    for (size_t size = 0; size < header.size(); ++size) {
      const Bytes cut = Bytes(header).first(size);
      EXPECT_EQ(parse_audio_header(cut).kind, size == 0 ? kEmpty : kMalformed) << size;
      EXPECT_GT(audio_header_size(cut), size);
      EXPECT_LE(audio_header_size(cut), header.size());
    }
    expect_split(kAudio, message, header);
  }
}

// What a message's packets are: "codec/track/kind:payload …".
template <typename Packets, typename Header>
std::string packets_of(Bytes message) {
  Packets packets(message);
  Header header;
  Bytes payload;
  std::string out;
  while (packets.next(header, payload)) {
    if (!out.empty()) out += ' ';
    out += (header.codec ? codec_name(header) : "-") + "/" + std::to_string(header.track) + "/" +
           std::to_string(static_cast<int>(header.kind)) + ":" + to_hex(payload);
  }
  return out;
}
std::string video_packets(const ByteVector& message) {
  return packets_of<VideoPackets, VideoHeader>(message);
}
std::string audio_packets(const ByteVector& message) {
  return packets_of<AudioPackets, AudioHeader>(message);
}
std::string text(PacketKind kind) {
  return std::to_string(static_cast<int>(kind));
}

TEST(Flv, SeveralTracksOfOneCodec) {
  const ByteVector message =
      hex("a6 11 68766331  00 000005 000028 0102  01 000004 ffffff aa  02 000003 000000");
  EXPECT_EQ(video_packets(message),
            "hvc1/0/" + text(kFrame) + ":0102 hvc1/1/" + text(kFrame) + ":aa hvc1/2/" + text(kFrame) + ":");
  VideoPackets packets(message);
  VideoHeader header;
  Bytes payload;
  ASSERT_TRUE(packets.next(header, payload));
  EXPECT_EQ(header.composition_ms, 40);
  EXPECT_FALSE(header.keyframe);
  EXPECT_TRUE(header.enhanced);
  ASSERT_TRUE(packets.next(header, payload));
  EXPECT_EQ(header.composition_ms, -1);
  EXPECT_EQ(audio_packets(hex("95 10 4f707573  00 000001 11  07 000000")),
            "Opus/0/" + text(kSequenceHeader) + ":11 Opus/7/" + text(kSequenceHeader) + ":");
}

TEST(Flv, SeveralTracksOfSeveralCodecs) {
  EXPECT_EQ(
      video_packets(hex("96 21  61766331 00 000004 000001 aa  61763031 01 000002 bbcc"
                        "  76703038 02 000001 dd")),
      "avc1/0/" + text(kFrame) + ":aa av01/1/" + text(kFrame) + ":bbcc vp08/2/" + text(kUnsupported) + ":dd");
  EXPECT_EQ(audio_packets(hex("97 02 000009 05 21  6d703461 00 000001 aa  61632d33 01 000001 bb")),
            "mp4a/0/" + text(kFrame) + ":aa ac-3/1/" + text(kFrame) + ":bb");
}

TEST(Flv, NanosecondsOfAMessageAreEveryTracks) {
  const ByteVector message = hex("97 02 000009 05 11 6d703461  00 000001 aa  01 000001 bb");
  AudioPackets packets(message);
  AudioHeader header;
  Bytes payload;
  for (int track = 0; track < 2; ++track) {
    ASSERT_TRUE(packets.next(header, payload));
    EXPECT_EQ(header.nano_offset, 9u);
    EXPECT_EQ(header.track, track);
  }
  EXPECT_FALSE(packets.next(header, payload));
}

TEST(Flv, SeveralTracksCutShort) {
  const ByteVector whole = hex("96 21  61766331 00 000004 000001 aa  61763031 01 000002 bbcc");
  const std::string first = "avc1/0/" + text(kFrame) + ":aa", bad = "/" + text(kMalformed) + ":";
  EXPECT_EQ(video_packets(whole), first + " av01/1/" + text(kFrame) + ":bbcc");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string seen =
        video_packets(ByteVector(whole.begin(), whole.begin() + static_cast<long>(size)));
    SCOPED_TRACE(std::to_string(size) + " bytes: " + seen);
    if (size == 0)
      EXPECT_EQ(seen, "-/0/" + text(kEmpty) + ":");
    else if (size == 2 || size == 14)
      EXPECT_EQ(seen, size == 2 ? "" : first) << "whole tracks";
    else if (size < 14)
      EXPECT_TRUE(seen.ends_with(bad)) << "the first track";
    else
      EXPECT_TRUE(seen.starts_with(first + " ") && seen.ends_with(bad)) << "the second track";
  }
  // A track that ends inside its packet's header costs itself.
  EXPECT_EQ(video_packets(hex("96 11 68766331  00 000002 0000  01 000003 000000")),
            "hvc1/0" + bad + " hvc1/1/" + text(kFrame) + ":");
}

TEST(Flv, MessagesOfOneTrackArePacketsToo) {
  EXPECT_EQ(video_packets(hex("17 01 000050 aabb")), "avc1/0/" + text(kFrame) + ":aabb");
  EXPECT_EQ(video_packets(hex("96 03 68766331 04 aa")), "hvc1/4/" + text(kFrame) + ":aa");
  EXPECT_EQ(audio_packets(hex("2f aabb")), "-/0/" + text(kUnsupported) + ":aabb");
  EXPECT_EQ(video_packets(hex("98 68766331 aa")), "hvc1/0/" + text(kMalformed) + ":");
}

TEST(Flv, TrackNumbersAreLimited) {
  ByteVector message = hex("95 11 4f707573");
  for (int i = 0; i < kMaxTracks + 10; ++i) append(message, hex("00 000000"));
  const std::string seen = audio_packets(message);
  EXPECT_EQ(std::count(seen.begin(), seen.end(), ':'), kMaxTracks + 1);
  EXPECT_TRUE(seen.ends_with("/" + text(kMalformed) + ":"));
}

TEST(Flv, LongHeadersGoOnInThePayload) {
  // ModEx data of 1, of 255 and of 256 and more bytes: the size has 16 bits from there on.
  for (size_t size : {27u, 28u, 100u, 255u, 256u, 1000u, 65536u}) {
    SCOPED_TRACE(size);
    ByteVector message = hex("a7");
    ByteWriter writer(message);
    if (size < 256) {
      writer.u8(size - 1);
    } else {
      writer.u8(255);
      writer.u16(size - 1);
    }
    append(message, filled(size));
    append(message, hex("11 68766331 000028"));
    const size_t header = message.size();
    append(message, hex("aabb"));
    EXPECT_EQ(video_packets(message), "hvc1/0/" + text(kFrame) + ":aabb");
    EXPECT_EQ(video_header_size(message), header);
    const VideoHeader parsed = parse_video_header(Bytes(message).first(kMaxPrefix));
    EXPECT_EQ(parsed.kind, kSeveral);
    if (size < 200) expect_split(kVideo, message, Bytes(message).first(kMaxPrefix));
    // No more bytes than the prefix: it is known to be cut short.
    EXPECT_EQ(video_packets(ByteVector(message.begin(), message.begin() + kMaxPrefix)),
              "-/0/" + text(kMalformed) + ":");
  }
}

TEST(Flv, ModifiersAreLimited) {
  for (int count : {kMaxModifiers, kMaxModifiers + 1}) {
    ByteVector message = hex("97");
    for (int i = 0; i < count; ++i) append(message, hex(i + 1 < count ? "00 aa 17" : "00 aa 11"));
    append(message, hex("4f707573 bb"));
    EXPECT_EQ(audio_packets(message),
              count == kMaxModifiers ? "Opus/0/" + text(kFrame) + ":bb" : "-/0/" + text(kMalformed) + ":");
  }
}

TEST(Flv, CodecsAreNamed) {
  EXPECT_EQ(codec_name(parse_video_header(hex("12"))), "video codec 2 (H.263)");
  EXPECT_EQ(codec_name(parse_video_header(hex("1b 00"))), "video codec 11");
  EXPECT_EQ(codec_name(parse_video_header(hex("1c 00 000000"))), "hvc1");
  EXPECT_EQ(codec_name(parse_video_header(hex("90 01020304"))), "0x01020304");
  EXPECT_EQ(codec_name(parse_video_header(hex("90 76703038"))), "vp08");
  EXPECT_EQ(codec_name(parse_audio_header(hex("2f ff"))), "audio codec 2 (MP3)");
  EXPECT_EQ(codec_name(parse_audio_header(hex("f0"))), "audio codec 15 (device-specific)");
  EXPECT_EQ(codec_name(parse_audio_header(hex("91 61632d33"))), "ac-3");
}

}  // namespace
}  // namespace headgate::rtmp::test
