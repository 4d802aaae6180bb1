// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/quarantine.h"

#include <gtest/gtest.h>

#include <csignal>

namespace headgate::serve {
namespace {

using What = Ruling::What;

constexpr int64_t kMinute = 60'000;
constexpr Station kBad{77, 5}, kNeighbour{77, 6};
constexpr uint32_t kOwn = wire::kFirstOwnWorker;

wire::Mark mark(uint32_t station, uint64_t service, bool crashed = false) {
  return {station * 10, 77, station, service, crashed};
}

class QuarantineTest : public testing::Test {
 protected:
  // Rulings of a worker's death, as text.
  std::string dies(uint32_t worker, const std::vector<Station>& suspects) {
    return text(quarantine_.died(worker, suspects, now_));
  }
  std::string text(const std::vector<Ruling>& rulings) {
    static constexpr const char* kNames[] = {"isolated", "died_alone", "refused", "released", "no_room"};
    std::string out;
    for (const Ruling& one : rulings)
      out += (out.empty() ? "" : " ") + std::string(kNames[static_cast<int>(one.what)]) + ":" +
             std::to_string(one.station.second) + (one.for_ms > 0 ? ":" + std::to_string(one.for_ms) : "");
    return out;
  }
  void isolate() {
    dies(0, {kBad});
    ASSERT_EQ(dies(1, {kBad}), "isolated:5");
  }

  Quarantine quarantine_;
  int64_t now_ = 1'000'000;
};

TEST_F(QuarantineTest, SuspectsAreThoseAThreadWasAtWorkFor) {
  EXPECT_EQ(Quarantine::suspects({mark(1, 2), mark(5, 7), mark(6, 0)}, true), std::vector<Station>{kBad});
  EXPECT_TRUE(Quarantine::suspects({mark(1, 2), mark(6, 4)}, true).empty());
  // Who got the signal is known: the poller's thread was at work for another at that moment.
  EXPECT_EQ(Quarantine::suspects({mark(1, 3), mark(5, 4, true)}, true), std::vector<Station>{kBad});
}

// An operator's kill, or the kernel's for want of memory, and an end of which nobody knows the status:
// whoever was served at that moment has no part in it.
TEST_F(QuarantineTest, AnEndFromOutsideIsNobodysDoing) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP})
    EXPECT_TRUE(Quarantine::is_of_input(signal, false)) << signal;
  for (const int signal : {0, SIGKILL, SIGTERM, SIGHUP, SIGXCPU})
    EXPECT_FALSE(Quarantine::is_of_input(signal, false)) << signal;
  EXPECT_TRUE(Quarantine::is_of_input(SIGKILL, true)) << "a thread did not come back";
  EXPECT_TRUE(Quarantine::suspects({mark(1, 2), mark(5, 7)}, false).empty());
  EXPECT_EQ(Quarantine::suspects({mark(1, 3), mark(5, 4, true)}, false), std::vector<Station>{kBad})
      << "it has told itself for whom it crashed";
}

TEST_F(QuarantineTest, TheSecondDeathWithinTenMinutesIsolates) {
  EXPECT_EQ(dies(0, {kBad}), "");
  EXPECT_TRUE(quarantine_.isolations().empty());
  now_ += 9 * kMinute;
  EXPECT_EQ(dies(3, {kBad, kNeighbour}), "isolated:5") << "the neighbour's first";
  const auto told = quarantine_.isolations();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].station, 5u);
  EXPECT_EQ(told[0].worker, kOwn);
  EXPECT_FALSE(told[0].refused);
  EXPECT_EQ(quarantine_.own_workers(now_), std::vector<uint32_t>{kOwn});
  EXPECT_EQ(dies(0, {kNeighbour}), "isolated:6");
  EXPECT_EQ(quarantine_.own_workers(now_).size(), 2u);
}

TEST_F(QuarantineTest, DeathsFarApartAreChance) {
  dies(0, {kBad});
  now_ += 11 * kMinute;
  EXPECT_EQ(dies(0, {kBad}), "");
  now_ += 11 * kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "");
  EXPECT_EQ(dies(0, {kBad}), "");
}

TEST_F(QuarantineTest, ThatEndsItsOwnWorkerTooIsRefusedLongerEachTime) {
  isolate();
  EXPECT_EQ(dies(kOwn, {}), "died_alone:5") << "whoever it was at work for: it was alone";
  EXPECT_EQ(dies(kOwn, {kBad}), "died_alone:5");
  EXPECT_EQ(dies(kOwn, {kBad}), "refused:5:60000");
  EXPECT_TRUE(quarantine_.own_workers(now_).empty());
  EXPECT_TRUE(quarantine_.isolations().at(0).refused);
  EXPECT_EQ(quarantine_.isolations().at(0).until_mono_us, (now_ + kMinute) * 1000);
  now_ += kMinute;
  EXPECT_EQ(quarantine_.own_workers(now_), std::vector<uint32_t>{kOwn}) << "it may try again";
  EXPECT_EQ(dies(kOwn, {kBad}), "refused:5:120000");
  now_ += 2 * kMinute;
  EXPECT_EQ(dies(kOwn, {kBad}), "refused:5:240000");
  for (int i = 0; i < 10; ++i) dies(kOwn, {kBad});
  EXPECT_EQ(dies(kOwn, {kBad}), "refused:5:3600000") << "the longest";
}

TEST_F(QuarantineTest, ItEndsAfterQuietOrByAnOperatorsWord) {
  isolate();
  now_ += 29 * kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "");
  now_ += kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "released:5");
  EXPECT_TRUE(quarantine_.isolations().empty());
  isolate();
  EXPECT_FALSE(quarantine_.release(kNeighbour));
  ASSERT_TRUE(quarantine_.release(kBad));
  EXPECT_TRUE(quarantine_.isolations().empty());
  EXPECT_EQ(dies(0, {kBad}), "") << "it begins anew";
}

TEST_F(QuarantineTest, ThereIsRoomForSoManyAndNoMore) {
  for (uint32_t station = 1; station <= wire::kMaxIsolated; ++station) {
    dies(0, {{77, station}});
    EXPECT_EQ(dies(0, {{77, station}}), "isolated:" + std::to_string(station));
  }
  dies(0, {{77, 100}});
  EXPECT_EQ(dies(0, {{77, 100}}), "no_room:100");
  EXPECT_EQ(quarantine_.isolations().size(), wire::kMaxIsolated);
}

TEST_F(QuarantineTest, TheNextSupervisorGoesOnWithIt) {
  isolate();
  for (int i = 0; i < 3; ++i) dies(kOwn, {kBad});
  Quarantine next;
  ASSERT_TRUE(next.load(quarantine_.save(), now_ + 1000));
  EXPECT_EQ(next.isolations(), quarantine_.isolations());
  EXPECT_EQ(next.save(), quarantine_.save());
  EXPECT_TRUE(next.own_workers(now_).empty());
  EXPECT_FALSE(next.load(quarantine_.save(), now_ - 1)) << "another boot's";
  for (const char* wrong : {"1 2 3", "x", "77 5 10 1 1 1 1 1 1", "77 5 9000 1 1 1 1 1 1 9"})
    EXPECT_FALSE(next.load(wrong, now_)) << wrong;
  EXPECT_EQ(next.isolations().size(), 1u) << "what is wrong changes nothing";
  EXPECT_TRUE(next.load("", now_));
}

}  // namespace
}  // namespace headgate::serve
