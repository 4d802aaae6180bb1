// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks of clock, kernel, memory and disk, on a machine whose /proc is a folder of the test's.
#include <gtest/gtest.h>
#include <preflight/checks.h>
#include <preflight/disk_speed.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace headgate::preflight {
namespace {

namespace fs = std::filesystem;

class PreflightMachine : public ::testing::Test {
 protected:
  PreflightMachine() {
    std::string folder = ::testing::TempDir() + "preflight-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    context_.machine.proc = folder_ / "proc";
    context_.machine.cgroup = folder_ / "cgroup";
    context_.machine.clock = [this] { return clock_; };
    context_.machine.utc_s = [this] { return utc_s_; };
    context_.config.rtmp = "0.0.0.0:1935";
    context_.config.http = "0.0.0.0:8080";
    context_.config.data = folder_ / "data";
    context_.config.workers = 2;
    context_.config.max_workers = 64;
    context_.config.capacity = 50;
    context_.config.max_connections = 4000;
  }
  ~PreflightMachine() override { fs::remove_all(folder_); }

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  static std::string told(const Outcome& outcome) {
    std::string out = std::string(level_name(outcome.level())) + " " + outcome.measured;
    for (const Finding& finding : outcome.findings) out += "; " + finding.what;
    return out;
  }

  fs::path folder_;
  KernelClock clock_{true, true, 12'000};
  int64_t utc_s_ = 1'800'000'000;
  Context context_;
};

TEST_F(PreflightMachine, ClockIsKeptRightOrNot) {
  EXPECT_EQ(told(check_clock(context_)), "pass synchronised, off by at most 0.012 s");
  clock_.max_error_us = 1'000'001;
  EXPECT_EQ(check_clock(context_).level(), Level::warn);
  clock_.synchronised = false;
  EXPECT_EQ(told(check_clock(context_)), "fail not synchronised; nothing keeps the clock right");
  utc_s_ = 100;
  EXPECT_EQ(told(check_clock(context_)), "fail not synchronised; the clock is years behind");
}

TEST_F(PreflightMachine, NetworkCarriesThePlan) {
  context_.machine.sys = folder_ / "sys";
  EXPECT_EQ(told(check_network(context_)), "skip no network card tells its speed; --link-mbps gives it");
  const auto card = [this](const std::string& name, const std::string& speed, const std::string& state,
                           bool real = true) {
    write("sys/class/net/" + name + "/speed", speed + "\n");
    write("sys/class/net/" + name + "/operstate", state + "\n");
    if (real) write("sys/class/net/" + name + "/device/vendor", "0x8086\n");
  };
  card("lo", "", "unknown", false);
  card("docker0", "10000", "up", false);
  card("eth2", "-1", "down");
  card("eth1", "-1", "up");
  EXPECT_EQ(told(check_network(context_)), "skip eth1 does not tell its speed; --link-mbps gives it");
  card("eth0", "1000", "up");
  context_.plan.streams = 400;
  context_.plan.kbps = 1500;
  EXPECT_EQ(told(check_network(context_)),
            "pass eth0 1000 Mbit/s, of eth1 not known; the plan has 600 Mbit/s");
  context_.plan.kbps = 3000;
  EXPECT_EQ(check_network(context_).level(), Level::warn) << "eth1 may carry the rest";
  card("eth1", "100", "up");
  EXPECT_EQ(
      told(check_network(context_)),
      "fail eth0 1000 Mbit/s, eth1 100 Mbit/s; the plan has 1200 Mbit/s; the plan has 400 streams of 3000 "
      "kbit/s, 1200 Mbit/s, and the network carries 1100 Mbit/s");
  context_.config.capacity_limits.link_mbps = 1300;
  EXPECT_EQ(told(check_network(context_)),
            "warn 1300 Mbit/s (--link-mbps); the plan has 1200 Mbit/s; the plan takes more than 90 % of the "
            "network: new "
            "stations will be refused then (--full-link)");
  context_.config.capacity_limits.link_mbps = 10'000;
  EXPECT_EQ(check_network(context_).level(), Level::pass);
}

TEST_F(PreflightMachine, QueuesAndBuffersAreLargeEnough) {
  write("proc/sys/net/core/somaxconn", "4096\n");
  write("proc/sys/net/ipv4/tcp_max_syn_backlog", "2048\n");
  write("proc/sys/net/core/rmem_max", "212992\n");
  write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  // Nobody asks for the buffer of a port that is not there.
  EXPECT_EQ(told(check_sockets(context_)), "pass net.core.somaxconn 4096, net.ipv4.tcp_max_syn_backlog 2048");
  context_.config.srt = "0.0.0.0:9000";
  EXPECT_EQ(check_sockets(context_).findings.at(0).what.substr(0, 30), "net.core.rmem_max is 212992: t");
  write("proc/sys/net/core/rmem_max", "8388608\n");
  write("proc/sys/net/core/wmem_max", "212992\n");
  EXPECT_EQ(check_sockets(context_).findings.at(0).what.substr(0, 30), "net.core.wmem_max is 212992: o");
  write("proc/sys/net/core/wmem_max", "1048576\n");
  write("proc/sys/net/core/somaxconn", "128\n");
  const Outcome out = check_sockets(context_);
  ASSERT_EQ(out.findings.size(), 1U) << told(out);
  EXPECT_EQ(out.findings[0].to_do, "sysctl -w net.core.somaxconn=1024, and in /etc/sysctl.d to keep it");
}

TEST_F(PreflightMachine, APortOfOutgoingConnectionsMayBeTaken) {
  write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  context_.config.rtmp = "0.0.0.0:40000";
  EXPECT_EQ(check_sockets(context_).level(), Level::warn);
  write("proc/sys/net/ipv4/ip_local_reserved_ports", "8080,39990-40010\n");
  EXPECT_EQ(check_sockets(context_).level(), Level::pass);
  write("proc/sys/net/ipv4/ip_local_reserved_ports", "8080,39990-39999\n");
  EXPECT_EQ(check_sockets(context_).level(), Level::warn);
}

TEST_F(PreflightMachine, ThreadsAreEnoughInThisGroupAndThoseAboveIt) {
  write("proc/sys/kernel/threads-max", "192000\n");
  write("proc/self/cgroup", "0::/system.slice/headgate.service\n");
  write("cgroup/system.slice/headgate.service/pids.max", "max\n");
  EXPECT_EQ(told(check_processes(context_)), "pass about 128 threads, kernel.threads-max 192000");
  write("cgroup/system.slice/pids.max", "100\n");
  EXPECT_EQ(told(check_processes(context_)),
            "fail about 128 threads, kernel.threads-max 192000, pids.max 100; pids.max is 100, about 128 "
            "threads may "
            "be needed");
  // More streams, more workers.
  write("cgroup/system.slice/pids.max", "200\n");
  EXPECT_EQ(check_processes(context_).level(), Level::pass);
  context_.plan.streams = 300;
  EXPECT_EQ(check_processes(context_).level(), Level::fail);
}

TEST_F(PreflightMachine, OpenFilesOfTheNodesOwnProcesses) {
  context_.node.emplace();
  context_.node->processes = {{"worker", 7}, {"origin", 8}, {"gate", 9}};
  const std::string head = "Limit                     Soft Limit           Hard Limit           Units     \n";
  auto limits = [&](int pid, const std::string& soft, const std::string& hard) {
    write("proc/" + std::to_string(pid) + "/limits", head + "Max open files            " + soft +
                                                         "                 " + hard +
                                                         "              files     \n");
  };
  limits(7, "1024", "524288");
  limits(8, "1024", "524288");
  limits(9, "1024", "unlimited");
  EXPECT_EQ(told(check_open_files(context_)),
            "pass worker 314 of 1024, origin 10112 of 524288, gate 5064 of no limit");
  limits(7, "256", "524288");  // a worker does not raise its own
  EXPECT_EQ(check_open_files(context_).findings.at(0).what,
            "the worker may need 314 open files, and may have 256");
}

TEST_F(PreflightMachine, MemoryIsTheMachinesOrTheGroups) {
  write("proc/meminfo", "MemTotal:       24693404 kB\nMemAvailable:    4000000 kB\n");
  EXPECT_EQ(check_memory(context_).level(), Level::pass);
  context_.plan.streams = 2000;
  EXPECT_EQ(check_memory(context_).findings.at(0).what, "players will have to be answered from the disk");
  write("proc/self/cgroup", "0::/\n");
  write("cgroup/memory.max", "500000000\n");
  EXPECT_EQ(check_memory(context_).level(), Level::fail);
}

TEST_F(PreflightMachine, ThePlanHasPlacesAndRoom) {
  fs::create_directories(context_.config.data);
  context_.plan.streams = 3201;
  EXPECT_EQ(check_capacity(context_).findings.at(0).what, "the plan has 3201 streams, the node takes 3200");
  context_.plan = {1, 16, 0, 0};
  EXPECT_EQ(check_capacity(context_).level(), Level::pass);
  EXPECT_EQ(check_disk_space(context_).level(), Level::pass);
  EXPECT_EQ(check_inodes(context_).level(), Level::pass);
  context_.plan = {100'000, 1500, 0, 8784};
  EXPECT_EQ(check_disk_space(context_).findings.at(0).what.substr(0, 50),
            "100000 streams of 1500 kbit/s for 8784 h need 598 ");
}

TEST_F(PreflightMachine, AFolderThatIsToBeMadeIsLookedAtWhereItWillBe) {
  context_.config.data = folder_ / "not/yet";
  EXPECT_EQ(context_.volume(), folder_.string());
  EXPECT_EQ(told(check_volume(context_)).substr(0, 5), "pass ");
}

TEST_F(PreflightMachine, WritingIsMeasuredToTheDisk) {
  WritePattern pattern;
  pattern.files = 3;
  pattern.part_bytes = 1000;
  pattern.bytes_per_sync = 10'000;
  pattern.most_bytes = 30'000;
  pattern.most_ms = 60'000;
  int calls = 0;
  const auto speed = measure_writing(folder_.string(), pattern, [&](double) { ++calls; });
  ASSERT_TRUE(speed) << speed.error().message;
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(speed->sync_ms.size(), 3U);
  EXPECT_GT(speed->bytes_per_second, 0);
  uintmax_t bytes = 0;
  for (const char* name : {"0", "1", "2"}) bytes += fs::file_size(folder_ / name);
  EXPECT_EQ(bytes, 30'000U);
  // Not over what is there.
  EXPECT_FALSE(measure_writing(folder_.string(), pattern, [](double) {}));
}

}  // namespace
}  // namespace headgate::preflight
