// SPDX-License-Identifier: LGPL-2.1-or-later
#include "serve/capacity.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "scratch_directory.h"
#include "serve/capacity_reading.h"

namespace headgate::serve {
namespace {

class CapacityTest : public testing::Test {
 protected:
  // After so many seconds at this reading.
  std::string after(int seconds, const CapacityReading& reading) {
    std::string out;
    for (int i = 0; i < seconds; ++i)
      for (const Capacity::Change& change : capacity_.look(reading))
        out += (change.full ? "full:" : "open:") + change.measure + " ";
    return out;
  }
  static CapacityReading memory(double mib) {
    CapacityReading out;
    out.memory_mib = mib;
    return out;
  }
  static CapacityReading late(double ms) {
    CapacityReading out;
    out.late_ms = ms;
    return out;
  }

  Capacity capacity_{CapacityLimits{}};
};

TEST_F(CapacityTest, AMostIsExceededForThreeSecondsAndLeftForTen) {
  EXPECT_EQ(after(2, late(2500)), "");
  EXPECT_EQ(after(1, late(100)), "");
  EXPECT_EQ(after(2, late(2500)), "") << "from the beginning";
  EXPECT_EQ(capacity_.full(), "");
  EXPECT_EQ(after(1, late(2500)), "full:late ");
  EXPECT_EQ(capacity_.full(), "late");
  EXPECT_EQ(after(60, late(1900)), "") << "not clearly better";
  EXPECT_EQ(after(9, late(1700)), "");
  EXPECT_EQ(after(1, late(2500)), "");
  EXPECT_EQ(after(9, late(1700)), "");
  EXPECT_EQ(after(1, late(1700)), "open:late ");
  EXPECT_EQ(capacity_.full(), "");
}

TEST_F(CapacityTest, ALeastIsTheOtherWayRound) {
  EXPECT_EQ(after(10, memory(500)), "");
  EXPECT_EQ(after(3, memory(100)), "full:memory ");
  EXPECT_EQ(after(60, memory(130)), "");
  EXPECT_EQ(after(10, memory(141)), "open:memory ");
}

// One comes back, and goes again: meanwhile there is no room for another stream.
TEST_F(CapacityTest, RungsThatArePausedKeepNewOnesOutForAMinuteAfterThem) {
  CapacityReading paused, back;
  paused.encoding_percent = 34;
  back.encoding_percent = 9;
  EXPECT_EQ(after(2, paused), "");
  EXPECT_EQ(after(1, paused), "full:encoding ");
  EXPECT_EQ(after(59, back), "");
  EXPECT_EQ(after(1, paused), "");
  EXPECT_EQ(after(59, back), "");
  EXPECT_EQ(after(1, back), "open:encoding ");
  paused.encoding_percent = 10;
  EXPECT_EQ(after(10, paused), "") << "as much as there may be";
}

TEST_F(CapacityTest, EachMeasureIsToldWithItsNumbers) {
  CapacityReading reading;
  reading.memory_mib = 100;
  reading.disk_minutes = 3;
  after(3, reading);
  EXPECT_EQ(capacity_.full(), "memory, disk");
  const std::string json = capacity_.json();
  EXPECT_NE(json.find("\"value\":100,\"at_least\":128,\"full\":true,\"text\":\"100 MiB of memory are "
                      "available (limit 128)\""),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"({"measure":"late","at_most":2000,"full":false})"), std::string::npos) << json;
}

TEST_F(CapacityTest, WhatIsNotKnownKeepsNobodyOut) {
  EXPECT_EQ(after(20, {}), "");
  after(3, memory(1));
  EXPECT_EQ(after(10, {}), "open:memory ");
}

TEST(Capacity, WithoutALimitIsNotLookedAt) {
  CapacityLimits limits{};
  limits.memory_mib = limits.late_ms = limits.disk_minutes = limits.link_percent = limits.encoding_percent =
      0;
  Capacity capacity(limits);
  CapacityReading bad;
  bad.memory_mib = 0;
  bad.late_ms = bad.cpu_percent = bad.link_percent = bad.encoding_percent = 100'000;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(capacity.look(bad).empty());
  EXPECT_EQ(capacity.json(), R"({"full":"","measures":[]})");
  limits.cpu_percent = 95;
  Capacity other(limits);
  for (int i = 0; i < 3; ++i) other.look(bad);
  EXPECT_EQ(other.full(), "cpu");
}

// A machine of files.
class MeterTest : public testing::Test {
 protected:
  void SetUp() override { begin(0); }
  void begin(int64_t link_mbps) {
    meter_.emplace("/", link_mbps, folder_ + "/proc", folder_ + "/sys",
                   [](const std::string& card, int64_t) { return link_speed(card); });
  }
  void write(const std::string& path, const std::string& text) const { machine_.write(path, text); }
  void interface(const std::string& name, int64_t received, int speed, bool device = true, int64_t sent = 0) {
    const std::string folder = "sys/class/net/" + name;
    write(folder + "/statistics/rx_bytes", std::to_string(received) + "\n");
    write(folder + "/statistics/tx_bytes", std::to_string(sent) + "\n");
    write(folder + "/speed", std::to_string(speed) + "\n");
    if (device) write(folder + "/device/vendor", "x");
  }
  CapacityReading read(int64_t second) { return meter_->read(second * 1000); }

  const test::ScratchDirectory machine_;
  const std::string& folder_ = machine_.path();
  std::optional<CapacityMeter> meter_;
};

TEST_F(MeterTest, AMachineThatSaysNothingIsNotKnown) {
  const CapacityReading reading = read(0);
  EXPECT_FALSE(reading.cpu_percent || reading.cpu_pressure || reading.memory_mib || reading.link_percent);
}

TEST_F(MeterTest, ProcessorsThatWorkForWhoGivesWayAreFree) {
  // user nice system idle iowait irq softirq steal
  write("proc/stat", "cpu  1000 500 200 8000 100 0 0 0 0 0\ncpu0 1 2 3\n");
  EXPECT_FALSE(read(0).cpu_percent);
  write("proc/stat", "cpu  1300 1100 300 8000 100 0 0 0 0 0\ncpu0 1 2 3\n");
  EXPECT_NEAR(*read(10).cpu_percent, 40, 0.1);
  // What is longer ago than ten seconds does not count any more.
  write("proc/stat", "cpu  1300 1100 300 9000 100 0 0 0 0 0\n");
  EXPECT_NEAR(*read(20).cpu_percent, 0, 0.1);
}

TEST_F(MeterTest, PressureAndMemory) {
  write("proc/pressure/cpu", "some avg10=12.50 avg60=1.00 avg300=0.10 total=5\nfull avg10=0.00 avg60=0.00\n");
  write("proc/pressure/io",
        "some avg10=30.00 avg60=0 avg300=0 total=1\nfull avg10=7.25 avg60=0 avg300=0 total=1\n");
  write("proc/meminfo",
        "MemTotal:        8000000 kB\nMemFree:  1 kB\nMemAvailable:    1048576 kB\nBuffers: 2 kB\n");
  const CapacityReading reading = read(0);
  EXPECT_DOUBLE_EQ(reading.cpu_pressure.value_or(-1), 12.5);
  EXPECT_DOUBLE_EQ(reading.io_pressure.value_or(-1), 7.25);
  EXPECT_DOUBLE_EQ(reading.memory_mib.value_or(-1), 1024);
}

TEST_F(MeterTest, AControlGroupMayHaveLessMemoryThanTheMachine) {
  constexpr int64_t kMiB = 1 << 20;
  write("proc/meminfo", "MemAvailable:    1048576 kB\n");
  write("proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/system.slice/headgate.service\n");
  auto group = [&](const std::string& path, const std::string& max, int64_t used_mib, int64_t files_mib = 0) {
    write("sys/fs/cgroup/" + path + "memory.max", max + "\n");
    write("sys/fs/cgroup/" + path + "memory.current", std::to_string(used_mib * kMiB) + "\n");
    write("sys/fs/cgroup/" + path + "memory.stat",
          "anon 5\nfile 7\ninactive_file " + std::to_string(files_mib * kMiB / 2) + "\nactive_file " +
              std::to_string(files_mib * kMiB / 2) + "\n");
  };
  group("system.slice/headgate.service/", "max", 100);
  EXPECT_DOUBLE_EQ(*read(0).memory_mib, 1024) << "no limit";
  group("system.slice/headgate.service/", std::to_string(500 * kMiB), 450, 300);
  EXPECT_DOUBLE_EQ(*read(1).memory_mib, 350) << "files are given back";
  group("system.slice/", std::to_string(800 * kMiB), 700);
  EXPECT_DOUBLE_EQ(*read(2).memory_mib, 100) << "the group above";
  group("", std::to_string(50 * kMiB), 60);
  EXPECT_DOUBLE_EQ(*read(3).memory_mib, 0) << "a container's root";
  write("proc/meminfo", "MemAvailable:    0 kB\n");
  group("", std::to_string(50 * kMiB), 0);
  EXPECT_DOUBLE_EQ(*read(4).memory_mib, 0) << "the machine's own is less";
  write("proc/self/cgroup", "1:memory:/old\n");
  EXPECT_DOUBLE_EQ(*read(5).memory_mib, 0);
}

TEST_F(MeterTest, WhatTheNodeMayHaveOfTheMachinesMemory) {
  CapacityMeter meter(folder_, 0, folder_ + "/proc", folder_ + "/sys");
  EXPECT_FALSE(meter.machine_memory_mib());
  write("proc/meminfo", "MemTotal:        2097152 kB\nMemAvailable:    1048576 kB\n");
  EXPECT_DOUBLE_EQ(*meter.machine_memory_mib(), 2048);
  write("proc/self/cgroup", "0::/system.slice/headgate.service\n");
  write("sys/fs/cgroup/system.slice/headgate.service/memory.max", "max\n");
  EXPECT_DOUBLE_EQ(*meter.machine_memory_mib(), 2048);
  write("sys/fs/cgroup/system.slice/memory.max", std::to_string(int64_t{1536} << 20) + "\n");
  EXPECT_DOUBLE_EQ(*meter.machine_memory_mib(), 1536);
}

TEST_F(MeterTest, LinksThatSayHowFastTheyAre) {
  interface("lo", 0, 0, false);
  interface("br0", 0, 1000, false);
  interface("eth0", 1'000'000'000, 1000);
  interface("eth1", 0, -1);
  read(0);
  interface("br0", 900'000'000, 1000, false);
  interface("eth0", 2'000'000'000, 1000);
  interface("eth1", 500'000'000, -1);
  EXPECT_NEAR(*read(10).link_percent, 80, 0.1) << "800 of 1000 Mbit/s";
  begin(2000);
  interface("eth0", 0, 1000);
  interface("eth1", 0, -1);
  read(0);
  interface("eth0", 1'000'000'000, 1000);
  interface("eth1", 250'000'000, -1);
  EXPECT_NEAR(*read(10).link_percent, 50, 0.1) << "1000 of the 2000 that was said";
}

// Two cards, of which one has nothing to do: its room is nobody's.
TEST_F(MeterTest, TheLinkThatIsUsedMostCountsEachWayByItself) {
  interface("eth0", 0, 1000);
  interface("eth1", 0, 10'000);
  EXPECT_FALSE(read(0).link_percent);
  interface("eth0", 1'187'500'000, 1000);
  EXPECT_NEAR(*read(10).link_percent, 95, 0.1) << "received: 950 of 1000 Mbit/s";
  interface("eth0", 1'187'500'000, 1000, true, 1'000'000'000);
  EXPECT_NEAR(*read(20).link_percent, 80, 0.1) << "sent, beside nothing that came";
  interface("eth1", 1'000'000'000, 10'000, true, 12'000'000'000);
  EXPECT_NEAR(*read(30).link_percent, 96, 0.1) << "the other one, by its own speed";
  std::filesystem::remove_all(folder_ + "/sys/class/net/eth1");
  interface("eth0", 1'312'500'000, 1000, true, 1'000'000'000);
  EXPECT_NEAR(*read(40).link_percent, 10, 0.1);
}

TEST_F(MeterTest, ABondStandsForItsCardsAndAVlanForNothing) {
  const auto machine = [&](int64_t of_each) {
    interface("bond0", 2 * of_each, 2000, false);
    write("sys/class/net/bond0/bonding/mode", "802.3ad 4\n");
    for (const char* card : {"eth0", "eth1"}) {
      interface(card, of_each, 1000);
      write(std::string("sys/class/net/bond0/lower_") + card + "/x", "");
      std::error_code error;  // they stay from the first time
      std::filesystem::create_directory_symlink("../bond0", folder_ + "/sys/class/net/" + card + "/master",
                                                error);
    }
    interface("bond0.7", 2 * of_each, 2000, false);
    write("sys/class/net/bond0.7/lower_bond0/x", "");
  };
  machine(0);
  read(0);
  machine(1'000'000'000);
  EXPECT_NEAR(*read(10).link_percent, 80, 0.1) << "1600 of 2000 Mbit/s";
  begin(4000);
  read(0);
  machine(2'000'000'000);
  EXPECT_NEAR(*read(10).link_percent, 40, 0.1) << "once, of the 4000 that was said";
}

// A port of a bridge is a card still.
TEST_F(MeterTest, ABridgeIsNotItsCard) {
  const auto machine = [&](int64_t bytes) {
    interface("br0", bytes, 10'000, false);
    write("sys/class/net/br0/bridge/bridge_id", "x");
    interface("eth0", bytes, 1000);
    std::error_code error;
    std::filesystem::create_directory_symlink("../br0", folder_ + "/sys/class/net/eth0/master", error);
  };
  machine(0);
  read(0);
  machine(625'000'000);
  EXPECT_NEAR(*read(10).link_percent, 50, 0.1);
}

// The kernel takes a lock for it that others may hold.
TEST_F(MeterTest, ACardThatDoesNotSayInTimeHowFastItIsHoldsUpNobody) {
  std::promise<void> said;
  const auto wait = said.get_future().share();
  LinkLoad load(folder_ + "/sys", 0, speeds_aside([wait](const std::string& card) {
                  wait.wait();
                  return link_speed(card);
                }));
  interface("eth0", 0, 1000);
  EXPECT_FALSE(load.percent(0));
  interface("eth0", 1'000'000'000, 1000);
  EXPECT_FALSE(load.percent(10'000)) << "and does not stand still here";
  said.set_value();
  auto percent = load.percent(10'000);
  for (; !percent; percent = load.percent(10'000)) std::this_thread::yield();
  EXPECT_NEAR(*percent, 80, 0.1);
}

TEST_F(MeterTest, WhatACardSaysIsAskedAgainWhenItIsOld) {
  const SpeedOf speed = speeds_aside();
  const std::string card = folder_ + "/sys/class/net/eth0";
  const auto await = [&](int64_t now_ms, int64_t mbps) {
    while (speed(card, now_ms) != mbps) std::this_thread::yield();
  };
  interface("eth0", 0, 1000);
  await(0, 1000);
  interface("eth0", 0, 100);
  EXPECT_EQ(speed(card, kSpeedAgeMs - 1), 1000);
  await(kSpeedAgeMs, 100);
  std::filesystem::remove_all(card);
  await(2 * kSpeedAgeMs, 0);
}

TEST_F(MeterTest, InAContainerItIsSaidHowFastTheLinkIs) {
  interface("eth0", 0, 10000, false);
  EXPECT_FALSE(read(0).link_percent);
  EXPECT_FALSE(read(10).link_percent);
  begin(100);
  read(0);
  interface("eth0", 62'500'000, 10000, false);
  EXPECT_NEAR(*read(10).link_percent, 50, 0.1);
}

TEST_F(MeterTest, AVolumeThatFillsSaysWhenItIsFull) {
  constexpr double kMiB = 1 << 20;
  double free = 9600 * kMiB;
  CapacityMeter meter("/data", 0, folder_ + "/proc", folder_ + "/sys", speeds_aside(),
                      [&free](const std::string&, int64_t) -> std::optional<FreeSpace> {
                        return FreeSpace{free, 0};
                      });
  EXPECT_FALSE(meter.read(0).disk_minutes);
  free -= 48 * kMiB;
  const auto minutes = meter.read(60'000).disk_minutes;
  ASSERT_TRUE(minutes);
  EXPECT_DOUBLE_EQ(*minutes, 199);
  // Somebody has removed more than that.
  free += 100 * kMiB;
  EXPECT_FALSE(meter.read(120'000).disk_minutes);
}

TEST(FreeSpace, IsTheVolumes) {
  const std::string folder = std::filesystem::temp_directory_path().string();
  EXPECT_GT(free_bytes(folder).value_or(0), 0);
  EXPECT_LE(free_bytes(folder).value_or(0), static_cast<double>(std::filesystem::space(folder).capacity));
  EXPECT_FALSE(free_bytes(folder + "/not there"));
}

// As one whose server is away.
TEST(FreeSpace, AVolumeThatDoesNotAnswerHoldsUpNobody) {
  std::promise<void> back;
  const auto wait = back.get_future().share();
  const FreeOf free = free_aside([wait](const std::string&) {
    wait.wait();
    return std::optional(7.0);
  });
  EXPECT_FALSE(free("/", 0));
  EXPECT_FALSE(free("/", 5000)) << "and does not stand still here";
  back.set_value();
  auto told = free("/", 5000);
  for (; !told; told = free("/", 5000)) std::this_thread::yield();
  EXPECT_EQ(told->bytes, 7);
  EXPECT_EQ(told->age_ms, 5000);
}

TEST_F(MeterTest, WhatAVolumeSaidLongAgoIsNothingToJudgeBy) {
  constexpr double kMiB = 1024 * 1024;
  FreeSpace told{1000 * kMiB, 0};
  CapacityMeter meter("/", 0, folder_ + "/proc", folder_ + "/sys", speeds_aside(),
                      [&](const std::string&, int64_t) { return std::optional(told); });
  EXPECT_FALSE(meter.read(0).disk_minutes);
  told.bytes -= 100 * kMiB;
  EXPECT_NEAR(meter.read(60'000).disk_minutes.value_or(0), 9, 0.01);
  told.age_ms = kSpaceStaleMs - 1;
  EXPECT_NEAR(meter.read(60'000 + told.age_ms).disk_minutes.value_or(0), 9, 0.01) << "once, when it was said";
  told.age_ms = kSpaceStaleMs;
  EXPECT_FALSE(meter.read(60'000 + told.age_ms).disk_minutes);
}

}  // namespace
}  // namespace headgate::serve
