// SPDX-License-Identifier: LGPL-2.1-or-later
// What is made of the stream itself, against the records that ffmpeg 5.1's muxer made of the same streams.
#include <gtest/gtest.h>

#include <cstdio>

#include <base/encoding.h>
#include <codec/access_unit.h>
#include <codec/byte_stream.h>
#include <codec/stream_config.h>

namespace headgate::codec {
namespace {

ByteVector hex(std::string_view text) {
  return from_hex(text).value();
}

std::string config_of(const Result<Track>& track) {
  return track ? to_hex(track->config) : track.error().message;
}

constexpr char kAvcSps[] = "6764001eacd940a02ff97011000003000100000300328f162d96";
constexpr char kAvcPps[] = "68ebe3cb22c0";
constexpr char kHevcVps[] = "40010c01ffff01600000030090000003000003003c959409";
constexpr char kHevcSps[] =
    "42010101600000030090000003000003003ca00a080c1d4f965654a4c2f0168080000003008000000c84";
constexpr char kHevcPps[] = "4401c073c189";

TEST(ParameterSets, OfH264) {
  const ByteVector sps = hex(kAvcSps), pps = hex(kAvcPps);
  const Bytes one_sps[] = {sps}, one_pps[] = {pps};
  const Result<Track> track = track_from_h264_sets(one_sps, one_pps);
  EXPECT_EQ(config_of(track), std::string("0164001effe1001a") + kAvcSps + "010006" + kAvcPps + "fdf8f800");
  EXPECT_EQ(track.value(), track_from_avcc(track->config).value());
  EXPECT_EQ(codecs_string(*track), "avc1.64001e");
  EXPECT_EQ(config_of(track_from_h264_sets({}, one_pps)), "avcC: no SPS");
  EXPECT_EQ(config_of(track_from_h264_sets(one_sps, {})), "avcC: 0 PPS");
  EXPECT_EQ(config_of(track_from_h264_sets(one_sps, one_sps)), "avcC: PPS: not one");
  const std::vector<Bytes> many(32, sps);
  EXPECT_EQ(config_of(track_from_h264_sets(many, one_pps)), "avcC: 32 SPS");
}

// Main profile has no fields behind the PPS.
TEST(ParameterSets, OfH264Main) {
  const ByteVector sps = hex("674d4028eca03c0113f2e022000007d20001d4c11e30632c"), pps = hex("68ebe3cb20");
  const Bytes one_sps[] = {sps}, one_pps[] = {pps};
  EXPECT_EQ(config_of(track_from_h264_sets(one_sps, one_pps)),
            "014d4028ffe10018674d4028eca03c0113f2e022000007d20001d4c11e30632c01000568ebe3cb20");
}

TEST(ParameterSets, OfH265) {
  const ByteVector vps = hex(kHevcVps), sps = hex(kHevcSps), pps = hex(kHevcPps);
  const Bytes one_vps[] = {vps}, one_sps[] = {sps}, one_pps[] = {pps};
  const Result<Track> track = track_from_h265_sets(one_vps, one_sps, one_pps);
  EXPECT_EQ(config_of(track), std::string("0101600000009000000000003cf000fcfdf8f800000f03a000010018") +
                                  kHevcVps + "a10001002a" + kHevcSps + "a200010006" + kHevcPps);
  EXPECT_EQ(track.value(), track_from_hvcc(track->config).value());
  EXPECT_EQ(config_of(track_from_h265_sets({}, one_sps, one_pps)), "hvcC: no VPS");
  EXPECT_EQ(config_of(track_from_h265_sets(one_vps, one_pps, one_pps)), "hvcC: SPS: not one");
  const std::vector<Bytes> many(200, pps);
  EXPECT_TRUE(track_from_h265_sets(one_vps, one_sps, many));
  const std::vector<Bytes> too_many(600, pps);
  EXPECT_EQ(config_of(track_from_h265_sets(one_vps, one_sps, too_many)),
            "hvcC: parameter sets of more than 4096 bytes");
}

TEST(StreamConfig, OfAv1) {
  const ByteVector unit = hex("12000a0b000000043cf6ccdaf900403203171400");
  const Result<Track> track = track_from_av1_obus(unit);
  EXPECT_EQ(config_of(track), "81000c000a0b000000043cf6ccdaf90040");
  EXPECT_EQ(track.value(), track_from_av1c(track->config).value());
  // The last OBU may leave out its size; the record may not.
  EXPECT_EQ(config_of(track_from_av1_obus(hex("08000000043cf6ccdaf90040"))), config_of(track));
  EXPECT_EQ(config_of(track_from_av1_obus(hex("12003203171400"))), "av1C: no sequence header");
  EXPECT_EQ(to_hex(without_temporal_delimiter(unit)), "0a0b000000043cf6ccdaf900403203171400");
  EXPECT_EQ(to_hex(without_temporal_delimiter(hex("3203171400"))), "3203171400");
}

TEST(StreamConfig, OfVp9) {
  const Result<Track> track = track_from_vp9_frame(hex("824983420013d00b360638241c184a00"), 25000);
  EXPECT_EQ(config_of(track), "000b820202020000");
  EXPECT_EQ(track->width, 318u);
  EXPECT_EQ(track->height, 180u);
  EXPECT_EQ(track->frame_rate_milli, 25000u);
  EXPECT_EQ(config_of(track_from_vp9_frame(hex("a249834240027a0166c0c70483830940"))), "010b860101010000");
  EXPECT_EQ(vp9_frame_size(hex("a249834240027a0166c0c70483830940")), (FrameSize{318, 180}));
  EXPECT_EQ(vp9_frame_size(hex("86004092f1214000007c7f91")), std::nullopt);
  EXPECT_EQ(config_of(track_from_vp9_frame(hex("86004092f1214000007c7f91"))), "VP9: no key frame");
  // The level grows with the rate, as the binding's table has it.
  EXPECT_EQ(config_of(track_from_vp9_frame(hex("824983420013d00b360638241c184a00"), 60000)),
            "0014820202020000");
}

TEST(StreamConfig, OfAdts) {
  const ByteVector frame = hex("fff14c8024fffcde02");
  const Result<Track> track = track_from_adts(frame);
  EXPECT_EQ(config_of(track), "1190");
  EXPECT_EQ(track->sample_rate, 48000u);
  EXPECT_EQ(track->channels, 2u);
  EXPECT_EQ(track->frame_samples, 1024u);
  const std::optional<AdtsFrame> found = adts_frame(frame);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->header_bytes, 7u);
  EXPECT_EQ(found->frame_bytes, 295u);
  EXPECT_EQ(found->raw_blocks, 1u);
  EXPECT_EQ(adts_frame(hex("fff04c8024fffc")).value().header_bytes, 9u);
  EXPECT_FALSE(adts_frame(hex("fff14c8024ff")));    // cut
  EXPECT_FALSE(adts_frame(hex("ffe14c8024fffc")));  // no syncword
  EXPECT_FALSE(adts_frame(hex("fff34c8024fffc")));  // MPEG layer III
  EXPECT_FALSE(
      adts_frame(hex("fff174802"
                     "4fffc")));                    // a reserved rate
  EXPECT_FALSE(adts_frame(hex("fff14c8000dffc")));  // shorter than its header
  EXPECT_FALSE(track_from_adts(hex("fff14c0024fffc")));
}

TEST(StreamConfig, OfAc3) {
  EXPECT_EQ(config_of(track_from_ac3_frame(hex("0b77fe95144043e106f46370"))), "101140");
  EXPECT_EQ(config_of(track_from_ac3_frame(hex("0b77e1e75e40ebf8403eff9d"))), "503de0");
  EXPECT_EQ(config_of(track_from_eac3_frame(hex("0b77037f3f87c00020f82000"))), "0e00200f00");
  EXPECT_EQ(ac3_frame(hex("0b77fe95144043e1"))->bytes, 768u);
  EXPECT_EQ(ac3_frame(hex("0b77e1e75e40ebf8"))->bytes, 1950u);
  const std::optional<Ac3Frame> eac3 = ac3_frame(hex("0b77037f3f87c00020f8"));
  ASSERT_TRUE(eac3);
  EXPECT_EQ(eac3->codec, Codec::eac3);
  EXPECT_EQ(eac3->bytes, 1792u);
  EXPECT_EQ(eac3->samples, 1536u);
  EXPECT_TRUE(eac3->begins_unit);
  EXPECT_FALSE(ac3_frame(hex("0b77fe9514")));
  EXPECT_FALSE(ac3_frame(hex("770bfe95144043e1")));
  EXPECT_FALSE(ac3_frame(hex("0b77fe95d44043e1")));  // a reserved rate
  EXPECT_FALSE(ac3_frame(hex("0b77fe95265043e1")));  // a reserved size
  EXPECT_FALSE(ac3_frame(hex("0b77fe95145043e1")));  // bsid 10
  EXPECT_FALSE(track_from_ac3_frame(hex("0b77037f3f87c00020f8")));
  EXPECT_FALSE(track_from_eac3_frame(hex("0b77fe95144043e106f46370")));
}

// 192 kbit/s at 44.1 kHz: frames of 834 and of 836 bytes.
TEST(StreamConfig, OfEac3DoesNotDependOnTheFrame) {
  EXPECT_EQ(config_of(track_from_eac3_frame(hex("0b7701a07487c00020f82000"))), "0600600400");
  EXPECT_EQ(config_of(track_from_eac3_frame(hex("0b7701a17487c00020f82000"))), "0600600400");
}

// By hand (ETSI TS 102 366, E.1.2): 16 bytes of 5.1, and as many of a dependent substream with Lrs and Rrs.
TEST(StreamConfig, OfEac3With7Point1Channels) {
  const ByteVector unit =
      hex("0b7700073f8700000000000000000000"
          "0b774007348010200000000000000000");
  const Result<Track> track = track_from_eac3_frame(unit);
  EXPECT_EQ(config_of(track), "0040200f0202");
  EXPECT_EQ(track->channels, 8u);
  EXPECT_EQ(track->frame_samples, 1536u);
  EXPECT_EQ(track_from_dec3(track->config).value(), *track);
  EXPECT_FALSE(ac3_frame(Bytes(unit).subspan(16))->begins_unit);
  EXPECT_EQ(frame_samples(*track, unit), 1536u);
  EXPECT_EQ(config_of(track_from_eac3_frame(Bytes(unit).subspan(16))), "E-AC-3: no independent syncframe 0");
}

TEST(StreamConfig, OfOpus) {
  EXPECT_EQ(config_of(track_from_opus_channel_config(2)),
            "0002"
            "0000"
            "0000bb80"
            "0000"
            "00");
  EXPECT_EQ(config_of(track_from_opus_channel_config(1)),
            "0001"
            "0000"
            "0000bb80"
            "0000"
            "00");
  // As libopus' surround encoder orders 5.1 (ffmpeg's dOps).
  EXPECT_EQ(config_of(track_from_opus_channel_config(6)), "000600000000bb800000010402000401020305");
  EXPECT_EQ(track_from_opus_channel_config(0).value().channels, 2u);
  EXPECT_EQ(track_from_opus_channel_config(8).value().channels, 8u);
  EXPECT_EQ(config_of(track_from_opus_channel_config(9)), "Opus: channel configuration 9");
  const uint8_t mapping[] = {0, 1, 2};
  EXPECT_EQ(config_of(track_from_opus_layout({3, 1, 2, 1, mapping, 312})),
            "000301380000bb8000000102010"
            "00102");
  EXPECT_EQ(config_of(track_from_opus_layout({3, 1, 1, 1, mapping, 312})),
            "Opus: channel 2 is mapped to a stream that is not there");
}

TEST(StreamConfig, OfAccessUnits) {
  EXPECT_EQ(config_of(track_from_access_unit(Codec::vp9, hex("824983420013d00b360638241c184a00"), 60000)),
            "0014820202020000");
  const Result<Track> av1 = track_from_access_unit(Codec::av1, hex("12000a0b000000043cf6ccdaf90040"), 60000);
  EXPECT_EQ(config_of(av1), "81000c000a0b000000043cf6ccdaf90040");
  EXPECT_EQ(av1->frame_rate_milli, 60000u);
  EXPECT_EQ(config_of(track_from_access_unit(Codec::ac3, hex("0b77fe95144043e106f46370"))), "101140");
  EXPECT_EQ(config_of(track_from_access_unit(Codec::eac3, hex("0b77037f3f87c00020f82000"))), "0e00200f00");
  EXPECT_FALSE(track_from_access_unit(Codec::opus, hex("fcb4065a")));
}

TEST(AccessUnits, Keys) {
  Track track;
  track.config = hex("0164001effe1");
  EXPECT_TRUE(is_key(track, hex("000000020910"
                                "0000000265b8")));  // a delimiter before it
  EXPECT_FALSE(is_key(track, hex("0000000241b8")));
  EXPECT_FALSE(is_key(track, {}));
  track.codec = Codec::h265;
  track.config = {};
  for (const char* key : {"000000022601", "000000022801", "000000022a01", "000000022001"})
    EXPECT_TRUE(is_key(track, hex(key))) << key;  // IDR with and without leading pictures, CRA, BLA
  EXPECT_FALSE(is_key(track, hex("000000020201")));
  EXPECT_FALSE(is_key(track, hex("000000021201")));  // RASL
  track.codec = Codec::av1;
  EXPECT_TRUE(is_key(track, hex("12000a0b000000043cf6ccdaf900403203171400")));
  EXPECT_FALSE(is_key(track, hex("12003203001400")));  // a key frame that is not shown yet
  EXPECT_FALSE(is_key(track, hex("12003203301400")));  // an inter frame
  EXPECT_FALSE(is_key(track, hex("1200")));
  track.codec = Codec::vp9;
  EXPECT_TRUE(is_key(track, hex("824983420013d00b360638241c184a00")));
  EXPECT_FALSE(is_key(track, hex("86004092f1214000007c7f91")));
  for (const Codec codec : {Codec::aac, Codec::opus, Codec::ac3, Codec::eac3, Codec::flac}) {
    track.codec = codec;
    EXPECT_TRUE(is_key(track, hex("00")));
  }
}

// SEI messages of H.264 before a picture that is no IDR (D.2.8), behind lengths of 2 bytes.
TEST(AccessUnits, RecoveryPoints) {
  const auto entry = [](const char* sei) {
    return entry_of(Codec::h264, 2, hex(std::string(sei) + "000241b8"));
  };
  EXPECT_EQ(entry(""), Entry::none);
  EXPECT_EQ(entry("00050601018080"), Entry::none);  // a message of another type
  EXPECT_EQ(entry("00050606"
                  "01c480"),
            Entry::open);  // recovery_frame_cnt 0
  EXPECT_EQ(entry("00060606"
                  "020cc480"),
            Entry::gradual);  // 24
  EXPECT_EQ(entry("00090605021234"
                  "0601c480"),
            Entry::open);  // the second message
  EXPECT_EQ(entry("0005060601c480"
                  "00060606020cc480"),
            Entry::open);  // the better of two
  EXPECT_EQ(entry("00030606ff"), Entry::none) << "cut off";
  EXPECT_EQ(entry_of(Codec::h264, 2,
                     hex("0005060601c480"
                         "00026588")),
            Entry::key);
  EXPECT_EQ(entry_of(Codec::h264, 2, hex("0005060601c480")), Entry::unknown) << "no picture";
  EXPECT_EQ(entry_of(Codec::h264, 2, hex("00ff65")), Entry::unknown) << "a length that runs past the end";
  Track track;
  track.config = hex("0164001efde1");
  EXPECT_TRUE(is_key(track, hex("0005060601c480"
                                "000241b8")));
  EXPECT_FALSE(is_key(track, hex("00060606020cc480"
                                 "000241b8")));
  // What stands far behind in an SEI NAL unit is not looked for.
  std::string far = "06";
  for (int i = 0; i < 600; ++i) far += "050112";
  far += "0601c480";
  char length[5];
  std::snprintf(length, sizeof length, "%04x", static_cast<unsigned>(far.size() / 2));
  EXPECT_EQ(entry((length + far).c_str()), Entry::none);
}

TEST(AccessUnits, SamplesOfOpus) {
  struct Packet {
    const char* bytes;
    uint32_t samples;
  };
  // RFC 6716, table 2 and 3.2: SILK 10 to 60 ms, hybrid, CELT 2.5 to 20 ms; two frames, or a counted many.
  const Packet packets[] = {{"00", 480},  {"08", 960},  {"18", 2880},   {"60", 480},
                            {"68", 960},  {"80", 120},  {"98", 960},    {"fc", 960},
                            {"fd", 1920}, {"fe", 1920}, {"ff06", 5760}, {"ff07", 0},
                            {"ff", 0},    {"ff00", 0},  {"1b02", 5760}, {"1b03", 0}};
  for (const Packet& packet : packets)
    EXPECT_EQ(opus_packet_samples(hex(packet.bytes)), packet.samples) << packet.bytes;
  EXPECT_EQ(opus_packet_samples({}), 0u);
}

TEST(AccessUnits, SamplesOfFlac) {
  Track track;
  track.codec = Codec::flac;
  EXPECT_EQ(frame_samples(track, hex("fff85a8800374e000000")), 4608u);
  EXPECT_EQ(frame_samples(track, hex("fff87a880a077f604e06")), 1920u);
  EXPECT_EQ(frame_samples(track, hex("fff96a88c3a9ff00")), 256u);  // a number of two bytes
  EXPECT_EQ(frame_samples(track, hex("fff81a8800")), 192u);
  EXPECT_EQ(frame_samples(track, hex("fff88a8800")), 256u);
  EXPECT_EQ(frame_samples(track, hex("fff80a8800")), 0u);
  EXPECT_EQ(frame_samples(track, hex("fff87a880a07")), 0u);
  EXPECT_EQ(frame_samples(track, hex("664c6143")), 0u);
}

std::string units_of(std::string_view stream) {
  const ByteVector bytes = hex(stream);
  ByteStreamReader reader(bytes);
  std::string units;
  while (const std::optional<Bytes> nal = reader.next()) units += to_hex(*nal) + " ";
  return units;
}

TEST(ByteStream, NalUnits) {
  EXPECT_EQ(units_of("00000001"
                     "6742"
                     "000001"
                     "68ce"
                     "00000001"
                     "6588"),
            "6742 68ce 6588 ");
  EXPECT_EQ(units_of("000001"
                     "0910"
                     "000000"
                     "000001"
                     "41"),
            "0910 41 ");  // trailing zeros
  EXPECT_EQ(units_of("ff00000001"
                     "6742"),
            "6742 ");  // bytes before the first
  EXPECT_EQ(units_of("000001"
                     "000001"
                     "6742"
                     "000001"),
            "6742 ");  // empty ones
  EXPECT_EQ(units_of("000001"
                     "6742000003000001"
                     "68"),
            "6742000003 68 ");  // emulation prevention stays
  EXPECT_EQ(units_of("000001"
                     "65"
                     "0001"
                     "01"
                     "0000"
                     "02"),
            "65000101000002 ");  // no start codes
  EXPECT_EQ(units_of(""), "");
  EXPECT_EQ(units_of("0000"), "");
  EXPECT_EQ(units_of("000001"), "");
  EXPECT_EQ(units_of("6742"), "");
}

}  // namespace
}  // namespace headgate::codec
