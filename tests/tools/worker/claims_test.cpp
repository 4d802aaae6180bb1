// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <ticket/ticket.h>
#include <worker/claims.h>

namespace headgate::worker {
namespace {

constexpr int64_t kSecond = 1'000'000;

// A publisher who sends at these rates, looked at once a second.
struct Sender {
  Claims& claims;
  int64_t now_us = 1'000 * kSecond;
  uint64_t bytes = 5'000;
  int overs = 0;

  Claims::Rate last = Claims::Rate::fine;
  // Seconds until the cut; none within `seconds`: -1.
  int send(uint64_t kbps, int seconds) {
    for (int i = 1; i <= seconds; ++i) {
      now_us += kSecond;
      bytes += kbps * 125;
      last = claims.received(bytes, now_us);
      if (last == Claims::Rate::over) ++overs;
      if (last == Claims::Rate::cut) return i;
    }
    return -1;
  }
};

TEST(Claims, WhoKeepsTheLimitIsNeverCut) {
  Claims claims(1000, 0, {});
  Sender sender{claims};
  EXPECT_EQ(sender.send(1000, 300), -1);
  EXPECT_EQ(sender.send(1099, 300), -1) << "10 % are the protocol's and the encoder's";
  EXPECT_EQ(sender.overs, 0);
}

TEST(Claims, OverTheLimitIsToldOnceAndCutAfterAMinute) {
  Claims claims(1000, 0, {});
  Sender sender{claims};
  EXPECT_EQ(sender.send(500, 30), -1);
  int cut = sender.send(1500, 300);
  // Within the window the average passes the limit, then a minute.
  EXPECT_GE(cut, 60);
  EXPECT_LE(cut, 70);
  EXPECT_EQ(sender.overs, 1);
  EXPECT_EQ(claims.rate_text(),
            "1406 OVER-RATE: 1500 kbit/s are sent, this ticket allows 1000. Lower the encoder's bit rate.");
}

TEST(Claims, APeakIsForgiven) {
  Claims claims(1000, 0, {});
  Sender sender{claims};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(sender.send(3000, 40), -1);
    EXPECT_EQ(sender.send(500, 20), -1);
  }
  EXPECT_EQ(sender.overs, 10) << "each is told";
}

TEST(Claims, ASecondThatBringsWhatAnOutageHeldBackIsNoPeak) {
  Claims claims(1000, 0, {});
  Sender sender{claims};
  sender.send(1000, 30);
  sender.send(0, 5);
  EXPECT_EQ(sender.send(6000, 1), -1);
  EXPECT_EQ(sender.overs, 0);
}

TEST(Claims, WithoutALimitNothingIsOver) {
  Claims claims(0, 0, {});
  Sender sender{claims};
  EXPECT_EQ(sender.send(1'000'000, 300), -1);
  EXPECT_EQ(sender.overs, 0);
  EXPECT_EQ(claims.refuse_codecs("hvc1.1.6.L93.B0,opus"), "");
}

TEST(Claims, OnlyTheTicketsCodecs) {
  Claims claims(0, ticket::kH264 | ticket::kAac, {});
  EXPECT_EQ(claims.refuse_codecs("avc1.64001f,mp4a.40.2"), "");
  EXPECT_EQ(claims.refuse_codecs("mp4a.40.2"), "");
  EXPECT_EQ(claims.refuse_codecs("avc1.64001f, Opus"),
            "1415 CODEC: this ticket is not for Opus. Choose another encoder.");
  EXPECT_EQ(claims.refuse_codecs("hvc1.1.6.L93.B0"),
            "1415 CODEC: this ticket is not for H.265. Choose another encoder.");
  Claims newer(0, ticket::kH265 | ticket::kAv1 | ticket::kOpus, {});
  EXPECT_EQ(newer.refuse_codecs("av01.0.04M.08,opus"), "");
  EXPECT_EQ(newer.refuse_codecs("hev1.1.6.L93.B0"), "");
  EXPECT_NE(newer.refuse_codecs("avc1.64001f"), "");
  EXPECT_NE(newer.refuse_codecs("av01.0.04M.08,mp4a.40.2"), "");
  // Tickets cannot name these.
  EXPECT_EQ(newer.refuse_codecs("vp09.00.10.08"),
            "1415 CODEC: this ticket is not for VP9. Choose another encoder.");
  EXPECT_EQ(newer.refuse_codecs("ac-3"), "1415 CODEC: this ticket is not for AC-3. Choose another encoder.");
  EXPECT_EQ(newer.refuse_codecs("ec-3"),
            "1415 CODEC: this ticket is not for E-AC-3. Choose another encoder.");
  EXPECT_EQ(newer.refuse_codecs("fLaC"), "1415 CODEC: this ticket is not for FLAC. Choose another encoder.");
}

}  // namespace
}  // namespace headgate::worker
