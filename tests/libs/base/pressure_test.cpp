// SPDX-License-Identifier: LGPL-2.1-or-later
// What a machine of files says of who waits.
#include <base/pressure.h>
#include <gtest/gtest.h>

#include "scratch_directory.h"

namespace headgate {
namespace {

class PressureTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const { machine_.write(path, text); }
  static std::string waited(const std::string& some, const std::string& full) {
    return "some avg10=" + some + " avg60=1.00 avg300=0.10 total=5\nfull avg10=" + full +
           " avg60=1.00 avg300=0.10 total=5\n";
  }
  std::optional<double> machine(const std::string& kind) const {
    return pressure_percent("cpu", kind, machine_.path() + "/proc");
  }
  std::optional<double> own(const std::string& kind = "some") const {
    return own_pressure_percent("cpu", kind, machine_.path() + "/proc", machine_.path() + "/sys");
  }

  const test::ScratchDirectory machine_;
};

TEST_F(PressureTest, AMachineThatSaysNothingIsNotKnown) {
  EXPECT_FALSE(machine("some") || own());
  write("proc/pressure/cpu", "some avg60=1.00\nfull\n");
  EXPECT_FALSE(machine("some") || machine("full"));
}

TEST_F(PressureTest, OfTenSecondsSomeAndAllAreToldApart) {
  write("proc/pressure/cpu", waited("12.50", "3.25"));
  EXPECT_DOUBLE_EQ(machine("some").value_or(-1), 12.5);
  EXPECT_DOUBLE_EQ(machine("full").value_or(-1), 3.25);
  EXPECT_FALSE(machine("none"));
}

TEST_F(PressureTest, OnesOwnControlGroupGoesBeforeTheMachine) {
  write("proc/pressure/cpu", waited("90.00", "80.00"));
  write("proc/self/cgroup", "1:name=systemd:/elsewhere\n0::/system.slice/headgate.service\n");
  write("sys/fs/cgroup/system.slice/cpu.pressure", waited("70.00", "60.00"));
  EXPECT_DOUBLE_EQ(own().value_or(-1), 90) << "it says nothing, and the slice above is not one's own";
  write("sys/fs/cgroup/system.slice/headgate.service/cpu.pressure", waited("2.00", "1.00"));
  EXPECT_DOUBLE_EQ(own().value_or(-1), 2);
  EXPECT_DOUBLE_EQ(own("full").value_or(-1), 1);
  EXPECT_DOUBLE_EQ(machine("some").value_or(-1), 90);
  write("sys/fs/cgroup/system.slice/headgate.service/cpu.pressure", "");
  EXPECT_DOUBLE_EQ(own().value_or(-1), 90) << "not counted for it";
}

TEST_F(PressureTest, AContainersRootIsAGroupAndAnOldHierarchyIsNone) {
  write("proc/pressure/cpu", waited("90.00", "80.00"));
  write("sys/fs/cgroup/cpu.pressure", waited("2.00", "1.00"));
  write("proc/self/cgroup", "4:cpu,cpuacct:/\n1:name=systemd:/\n");
  EXPECT_DOUBLE_EQ(own().value_or(-1), 90);
  write("proc/self/cgroup", "0::/\n");
  EXPECT_DOUBLE_EQ(own().value_or(-1), 2);
}

}  // namespace
}  // namespace headgate
