// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/quarantine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <utility>

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
    static constexpr const char* kNames[] = {"isolated", "died_alone", "refused", "released",
                                             "no_room",  "apart",      "together"};
    std::string out;
    for (const Ruling& one : rulings)
      out += (out.empty() ? "" : " ") + std::string(kNames[static_cast<int>(one.what)]) + ":" +
             std::to_string(one.stations > 0 ? one.stations : one.station.second) +
             (one.for_ms > 0 ? ":" + std::to_string(one.for_ms) : "") +
             (one.workers > 0 ? " in " + std::to_string(one.workers) : "");
    return out;
  }
  void isolate() {
    dies(0, {kBad});
    ASSERT_EQ(dies(1, {kBad}), "isolated:5");
  }

  // A worker that has somebody runs, whosever it was.
  std::map<uint32_t, std::vector<Station>> workers_;
  Quarantine quarantine_{{}, [this](uint32_t worker) { return !workers_[worker].empty(); }};
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

TEST_F(QuarantineTest, TheNumberOfAWorkerThatStillRunsIsNobodysOwn) {
  Quarantine quarantine({}, [](uint32_t worker) { return worker < kOwn + 2; });
  quarantine.died(0, {kBad}, now_);
  const auto rulings = quarantine.died(0, {kBad}, now_);
  ASSERT_EQ(rulings.size(), 1u);
  EXPECT_EQ(rulings[0].worker, kOwn + 2);
}

// Workers as the supervisor and the gate have them: shared ones, of which the fullest that has room is taken,
// and those of somebody's own. Who leaks makes the worker that it is on take too much.
class LeakTest : public QuarantineTest {
 protected:
  static constexpr size_t kCapacity = 50;

  void stations(uint32_t count) {
    for (uint32_t station = 1; station <= count; ++station) come({77, station});
  }
  void come(Station station) {
    for (const auto& one : quarantine_.isolations())
      if (Station{one.event, one.station} == station) return place(station, one.worker);
    for (const auto& one : quarantine_.suspects())
      if (Station{one.event, one.station} == station) return place(station, one.worker);
    uint32_t worker = 0;
    while (workers_[worker].size() >= kCapacity) ++worker;
    place(station, worker);
  }
  void place(Station station, uint32_t worker) { workers_[worker].push_back(station); }
  uint32_t worker_of(Station station) {
    for (const auto& [worker, stations] : workers_)
      if (std::find(stations.begin(), stations.end(), station) != stations.end()) return worker;
    ADD_FAILURE() << "station " << station.second << " is nowhere";
    return 0;
  }
  // Its worker is ended, and all who were there come again. What has become of whom.
  std::string takes_too_much(Station station, const std::string& kind = "memory") {
    now_ += 2 * kMinute;
    const uint32_t worker = worker_of(station);
    const std::vector<Station> cut = std::exchange(workers_[worker], {});
    const std::string out = text(quarantine_.took_too_much(worker, kind, cut, now_));
    for (const Station& one : cut) {
      ++cuts_[one];
      come(one);
    }
    if (come_again_) let_come_again();
    return out;
  }
  void let_come_again() {
    std::vector<Station> out;
    for (auto& [worker, stations] : workers_)
      if (worker >= kOwn && !quarantine_.is_own(worker)) {
        out.insert(out.end(), stations.begin(), stations.end());
        stations.clear();
      }
    for (const Station& one : out) come(one);
  }
  std::vector<uint32_t> quarantined() const {
    std::vector<uint32_t> out;
    for (const auto& one : quarantine_.isolations()) out.push_back(one.station);
    return out;
  }

  bool is_found(Station station) const { return std::ranges::count(quarantined(), station.second) != 0; }
  // They take too much in turns, until all are found; says what became of whom.
  std::string all_take_too_much(const std::vector<Station>& leakers) {
    std::string said;
    const auto found = [this](Station one) { return is_found(one); };
    for (int i = 0; i < 30 && !std::ranges::all_of(leakers, found); ++i)
      for (const Station& one : leakers)
        if (!is_found(one)) {
          said += std::to_string(one.second) + ": " + takes_too_much(one) + "\n";
          EXPECT_LE(apart_workers(), 16u);
        }
    EXPECT_TRUE(std::ranges::all_of(leakers, found)) << said;
    EXPECT_EQ(quarantined().size(), leakers.size()) << "somebody else is blamed:\n" << said;
    return said;
  }
  size_t apart_workers() const {
    std::set<uint32_t> out;
    for (const auto& one : quarantine_.suspects()) out.insert(one.worker);
    return out.size();
  }

  std::map<Station, int> cuts_;
  bool come_again_ = false;  // whoever is on a worker that is nobody's own any more
};

TEST_F(LeakTest, WhoLeaksIsFoundAmongFiftyAndNobodyElseIsBlamed) {
  stations(50);
  EXPECT_EQ(takes_too_much(kBad), "") << "once is chance";
  EXPECT_EQ(takes_too_much(kBad), "apart:50 in 8");
  EXPECT_EQ(quarantine_.suspects().size(), 50u);
  EXPECT_EQ(quarantine_.own_workers(now_).size(), 8u);
  EXPECT_TRUE(workers_[0].empty()) << "nobody is with all others again";
  EXPECT_EQ(takes_too_much(kBad), "apart:6 in 6");
  EXPECT_TRUE(quarantined().empty()) << "nobody was alone yet";
  EXPECT_EQ(takes_too_much(kBad), "isolated:5");
  EXPECT_EQ(quarantined(), std::vector<uint32_t>{5});
  EXPECT_NE(worker_of(kBad), 0u);
  EXPECT_EQ(workers_[worker_of(kBad)].size(), 1u);
  for (const auto& [station, cuts] : cuts_) EXPECT_LE(cuts, station == kBad ? 4 : 3) << station.second;
  // From here on as who crashes.
  EXPECT_EQ(takes_too_much(kBad), "died_alone:5");
  EXPECT_EQ(takes_too_much(kBad), "refused:5:60000");
  EXPECT_EQ(quarantine_.isolations()[0].reason, "what this station sent has ended 6 workers");
  // Those that were with it share workers again when theirs have long taken no more than they may.
  now_ += 50 * kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "released:5") << "quiet for half an hour";
  now_ += 10 * kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "together:49");
  EXPECT_TRUE(quarantine_.suspects().empty());
  EXPECT_TRUE(quarantine_.own_workers(now_).empty());
}

TEST_F(LeakTest, OfTwoThatLeakOnOneWorkerBothAreFound) {
  stations(40);
  all_take_too_much({kBad, {77, 30}});
}

// 8 groups of each are all the workers that there may be.
TEST_F(LeakTest, OfTwoThatLeakOnTwoWorkersBothAreFound) {
  constexpr Station kOther{77, 60};
  stations(100);
  ASSERT_NE(worker_of(kBad), worker_of(kOther));
  const std::string said = all_take_too_much({kBad, kOther});
  for (const Station& one : {kBad, kOther}) EXPECT_LE(cuts_[one], 5) << one.second << "\n" << said;
}

TEST_F(LeakTest, WhoLeaksWhileThoseOfAnotherSearchAreStillApartIsFoundAsSoon) {
  stations(50);
  all_take_too_much({kBad});
  constexpr Station kOther{77, 60};
  for (uint32_t station = 51; station <= 100; ++station) come({77, station});
  now_ += 10 * kMinute;
  EXPECT_EQ(takes_too_much(kOther), "");
  EXPECT_EQ(takes_too_much(kOther), "together:26 apart:50 in 8") << "longest quiet: four of the first eight";
  EXPECT_EQ(takes_too_much(kOther), "together:21 apart:7 in 7");
  EXPECT_EQ(takes_too_much(kOther), "isolated:60");
}

// So many; those whose groups are dissolved go on where they are, or come again and share workers.
class ManyLeak : public LeakTest, public testing::WithParamInterface<std::pair<uint32_t, bool>> {};
INSTANTIATE_TEST_SUITE_P(Leak, ManyLeak,
                         testing::Values(std::pair(3, false), std::pair(3, true), std::pair(10, false),
                                         std::pair(10, true), std::pair(30, true)));

TEST_P(ManyLeak, AllAreFound) {
  const auto [count, come_again] = GetParam();
  come_again_ = come_again;
  stations(count * 50);
  std::vector<Station> leakers;
  for (uint32_t i = 0; i < count; ++i) leakers.emplace_back(77, 7 + i * 50);
  const std::string said = all_take_too_much(leakers);
  const int most = static_cast<int>(count) + 2;
  for (const auto& [station, cuts] : cuts_)
    EXPECT_TRUE(is_found(station) || cuts <= most) << station.second << ": " << cuts << "\n" << said;
}

TEST_F(LeakTest, AGroupIsHalvedThoughAllOthersAreYounger) {
  const auto takes = [this](uint32_t worker, const std::vector<Station>& present) {
    now_ += kMinute;
    return text(quarantine_.took_too_much(worker, "memory", present, now_));
  };
  std::vector<Station> few, many;
  for (uint32_t i = 0; i < 16; ++i) few.emplace_back(77, i);
  for (uint32_t i = 0; i < 64; ++i) many.emplace_back(78, i);
  takes(0, few);
  EXPECT_EQ(takes(0, few), "apart:16 in 8");
  takes(1, many);
  EXPECT_EQ(takes(1, many), "apart:64 in 8");
  EXPECT_EQ(takes(kOwn + 8, {}), "together:14 apart:8 in 8") << "all of the first but one";
  EXPECT_EQ(takes(kOwn + 7, {}), "together:8 apart:2 in 2");
}

TEST_F(LeakTest, WhoWasThereWithTwoThatLeakHasNoPartInIt) {
  constexpr Station kHere{77, 1}, kThere{77, 2};
  quarantine_.took_too_much(0, "memory", {kHere, kNeighbour}, now_);
  EXPECT_EQ(text(quarantine_.took_too_much(1, "memory", {kThere, kNeighbour}, now_)), "apart:1 in 1");
  EXPECT_EQ(quarantine_.suspects()[0].station, kNeighbour.second);
  EXPECT_TRUE(quarantined().empty());
  now_ += 60 * kMinute;
  EXPECT_EQ(text(quarantine_.look(now_)), "together:1");
}

TEST_F(LeakTest, AloneOnAWorkerThatOthersHadBeenOnItIsNotBlamed) {
  quarantine_.took_too_much(0, "memory", {kBad}, now_);
  EXPECT_EQ(text(quarantine_.took_too_much(0, "memory", {kBad}, now_)), "apart:1 in 1");
  const uint32_t own = quarantine_.suspects()[0].worker;
  EXPECT_TRUE(quarantine_.is_own(own));
  EXPECT_EQ(text(quarantine_.took_too_much(own, "memory", {}, now_)), "isolated:5")
      << "though it had just gone";
}

TEST_F(LeakTest, EndsOfOtherKindsOrFarApartAreChance) {
  stations(3);
  EXPECT_EQ(takes_too_much({77, 2}, "memory"), "");
  EXPECT_EQ(takes_too_much({77, 2}, "cpu"), "");
  now_ += 61 * kMinute;
  EXPECT_EQ(takes_too_much({77, 2}, "memory"), "");
  EXPECT_EQ(takes_too_much({77, 2}, "memory"), "apart:3 in 3");
}

TEST_F(LeakTest, NoMoreWorkersThanThereMayBe) {
  for (uint32_t first = 0; first < 3; ++first) {
    std::vector<Station> present;
    for (uint32_t i = 0; i < 10; ++i) present.emplace_back(77, first * 100 + i);
    quarantine_.took_too_much(first, "cpu", present, now_);
    EXPECT_EQ(text(quarantine_.took_too_much(first, "cpu", present, now_)),
              first < 2 ? "apart:10 in 8" : "together:10 apart:10 in 8")
        << first;
  }
  EXPECT_EQ(quarantine_.own_workers(now_).size(), 16u);
  std::vector<Station> many;
  for (uint32_t station = 0; station < wire::kMaxSuspects + 100; ++station) many.emplace_back(78, station);
  Quarantine other;
  other.took_too_much(0, "cpu", many, now_);
  other.took_too_much(0, "cpu", many, now_);
  EXPECT_EQ(other.suspects().size(), wire::kMaxSuspects);
  const std::vector<Station> two{{79, 1}, {79, 2}};
  other.took_too_much(1, "cpu", two, now_);
  EXPECT_EQ(text(other.took_too_much(1, "cpu", two, now_)), "together:250 apart:2 in 2");
}

TEST_F(LeakTest, OnWhoseWorkerAThreadCrashesIsFoundAsAnywhere) {
  stations(4);
  takes_too_much({77, 1});
  EXPECT_EQ(takes_too_much({77, 1}), "apart:4 in 4");
  const uint32_t own = worker_of({77, 2});
  EXPECT_EQ(dies(own, {{77, 2}}), "");
  EXPECT_EQ(dies(own, {{77, 2}}), "isolated:2");
  EXPECT_EQ(quarantine_.suspects().size(), 3u);
  EXPECT_TRUE(quarantine_.release({77, 3})) << "an operator's word";
  EXPECT_EQ(quarantine_.suspects().size(), 2u);
}

TEST_F(LeakTest, WhoIsApartIsNamed) {
  EXPECT_EQ(quarantine_.apart_json(now_), "[]");
  stations(9);
  takes_too_much(kBad);
  takes_too_much(kBad);
  const std::string told = quarantine_.apart_json(now_ + 90'500);
  EXPECT_TRUE(told.starts_with(R"([{"worker":9000,"stations":[1,9],"count":2,"deaths":2,"for_s":90,)"
                               R"("at_most_s":3510},{"worker":9001,"stations":[2],"count":1,)"))
      << told;
  EXPECT_EQ(std::ranges::count(told, '{'), 8) << told;
  std::vector<Station> many;
  for (uint32_t station = 0; station < wire::kMaxSuspects; ++station)
    many.emplace_back(77, UINT32_MAX - station);
  for (uint32_t worker : {1, 2}) quarantine_.took_too_much(worker, "cpu", many, now_);
  const std::string most = quarantine_.apart_json(now_);
  EXPECT_NE(most.find(R"("count":250)"), most.npos) << most;
  EXPECT_LT(most.size(), 20'000u) << "it is a part of what is sent as one text";
}

// Its session goes on where it is, beside the one that is left of the two.
TEST_F(LeakTest, ForWhatOneThatWasReleasedTakesNobodyElseIsBlamed) {
  constexpr Station kReleased{77, 1}, kLeft{77, 9};
  stations(16);
  takes_too_much(kReleased);
  EXPECT_EQ(takes_too_much(kReleased), "apart:16 in 8");
  ASSERT_EQ(worker_of(kReleased), worker_of(kLeft));
  ASSERT_TRUE(quarantine_.release(kReleased));
  EXPECT_EQ(takes_too_much(kReleased), "apart:1 in 1") << "who is left, alone from here on";
  EXPECT_TRUE(quarantined().empty());
  EXPECT_NE(worker_of(kReleased), worker_of(kLeft));
  EXPECT_EQ(takes_too_much(kReleased), "apart:1 in 1") << "twice since it was released";
  EXPECT_EQ(takes_too_much(kReleased), "isolated:1");
}

TEST_F(LeakTest, WhoIsReleasedBeginsAnew) {
  constexpr Station kReleased{77, 3};
  stations(4);
  EXPECT_EQ(dies(0, {kReleased}), "");
  takes_too_much(kReleased);
  EXPECT_EQ(takes_too_much(kReleased), "apart:4 in 4");
  ASSERT_TRUE(quarantine_.release(kReleased));
  EXPECT_FALSE(quarantine_.release(kReleased)) << "it is not among them any more";
  EXPECT_EQ(text(quarantine_.took_too_much(0, "memory", {kReleased}, now_)), "");
  EXPECT_EQ(dies(0, {kReleased}), "");
  EXPECT_EQ(text(quarantine_.took_too_much(0, "memory", {kReleased}, now_)), "apart:1 in 1");
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
