// SPDX-License-Identifier: LGPL-2.1-or-later
// A process of a pipeline of the node's own, as it is judged: what it uses is told, and so is the time.
#include <guard/process_watch.h>

#include <gtest/gtest.h>

#include <map>

namespace headgate::guard {
namespace {

CloseLooks looks;  // which nobody asks: what is used is told

constexpr uint64_t kMiB = 1024 * 1024;

Usage usage(int64_t cpu_us, uint64_t proportional_bytes) {
  Usage out;
  out.cpu_us = cpu_us;
  out.resident_bytes = proportional_bytes + 20 * kMiB;
  out.proportional_bytes = proportional_bytes;
  return out;
}

WorkerLimits limits(int64_t memory_mib, int64_t cpu) {
  WorkerLimits out;
  out.stream_memory_mib = memory_mib;
  out.stream_cpu = cpu;
  return out;
}

// When, in s, it is told, at one look a second; -1: never.
int64_t told_at(ProcessWatch& watch, double processors, uint64_t bytes, std::string* kind, int64_t from_s = 0,
                int64_t until_s = 300) {
  for (int64_t s = from_s; s < until_s; ++s) {
    const auto excess =
        watch.look(s * 1000, usage(static_cast<int64_t>(static_cast<double>(s) * processors * 1e6), bytes));
    if (!excess) continue;
    *kind = excess->kind;
    EXPECT_FALSE(excess->reason.empty());
    return s;
  }
  return -1;
}

TEST(ProcessWatch, WhoTakesWhatHeMayIsLeft) {
  ProcessWatch watch(1, looks, limits(100, 500));
  std::string kind;
  EXPECT_EQ(told_at(watch, 0.99, 355 * kMiB, &kind), -1)
      << kind;  // 256 MiB and half a processor are everybody's
}

TEST(ProcessWatch, MemoryBeyondItForAMinute) {
  ProcessWatch watch(1, looks, limits(100, 500));
  std::string kind;
  EXPECT_EQ(told_at(watch, 0.1, 357 * kMiB, &kind), 60);
  EXPECT_EQ(kind, "memory");
}

TEST(ProcessWatch, FourTimesThatAtOnce) {
  ProcessWatch watch(1, looks, limits(100, 500));
  std::string kind;
  EXPECT_EQ(told_at(watch, 0.1, 4 * 356 * kMiB + 1, &kind), 0);
  EXPECT_EQ(kind, "memory");
}

TEST(ProcessWatch, ProcessorsBeyondItForAMinuteOfTheLastMinutesMean) {
  ProcessWatch watch(1, looks, limits(0, 500));
  std::string kind;
  EXPECT_EQ(told_at(watch, 1.2, 9000 * kMiB, &kind), 120);
  EXPECT_EQ(kind, "cpu");
}

TEST(ProcessWatch, WhatIsNotSaidHasNoLimit) {
  ProcessWatch watch(1, looks, limits(0, 0));
  std::string kind;
  EXPECT_EQ(told_at(watch, 64, 90'000 * kMiB, &kind), -1) << kind;
}

TEST(ProcessWatch, WhoWasAskedToEndIsNotToldAgainAndHasHisTime) {
  ProcessWatch watch(1, looks, limits(100, 0));
  std::string kind;
  const int64_t told_s = told_at(watch, 0.1, 400 * kMiB, &kind);
  ASSERT_EQ(told_s, 60);
  watch.ended(told_s * 1000);
  EXPECT_EQ(told_at(watch, 0.1, 400 * kMiB, &kind, told_s + 1, told_s + 1000), -1);
  EXPECT_FALSE(watch.is_overdue(told_s * 1000 + 11'999));
  EXPECT_TRUE(watch.is_overdue(told_s * 1000 + 12'000));
}

TEST(ProcessWatch, TellsWhatIsUsedNow) {
  ProcessWatch watch(1, looks, limits(0, 0));
  EXPECT_FALSE(watch.processors());
  EXPECT_FALSE(watch.memory_bytes());
  std::string kind;
  told_at(watch, 2, 50 * kMiB, &kind, 0, 100);
  told_at(watch, 1, 60 * kMiB, &kind, 100, 101);
  EXPECT_EQ(watch.memory_bytes(), 60 * kMiB);
  ProcessWatch steady(1, looks, limits(0, 0));
  told_at(steady, 0.25, 50 * kMiB, &kind, 0, 100);
  EXPECT_DOUBLE_EQ(steady.processors().value_or(-1), 0.25);
}

}  // namespace
}  // namespace headgate::guard
