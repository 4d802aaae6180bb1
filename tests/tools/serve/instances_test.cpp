// SPDX-License-Identifier: LGPL-2.1-or-later
// Pipelines of the node's own, of which each is a process that says nothing and takes much: what a
// description allows is held against it, by a clock that is ours.
#include "serve/instances.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>

#include "loop_test.h"
#include "serve/guard.h"

namespace headgate::serve {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kTaken = 300 << 20;
// Ends in order when it is asked to, as headgate-pipeline does.
constexpr char kHungry[] =
    "import signal, sys\n"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    "taken = bytearray(b'x') * (300 << 20)\n"
    "while True: signal.pause()\n";

struct OurClock final : Clock {
  int64_t utc_us() const override { return now_us; }
  int64_t mono_us() const override { return now_us; }
  std::atomic<int64_t> now_us = 1'000'000'000;
};

class InstancesTest : public test::LoopTest {
 protected:
  void SetUp() override {
    for (const char* name : {"instances", "pipelines", "run"}) fs::create_directory(folder_ + "/" + name);
    children_.emplace(
        loop_, folder_ + "/run",
        [](const std::string&, int) {
          Program out;
          out.path = PYTHON;
          out.arguments = {"-c", kHungry};
          return out;
        },
        Child::Events{[](Child&) {}, [](Child&) {},
                      [this](Child& child, const wire::Message& message, const std::vector<UniqueFd>&) {
                        instances_->told(child, message);
                      },
                      [this](const Child& child, int code, int64_t lived_ms) {
                        return instances_->pause(child, code, lived_ms);
                      }});
    events_.emplace(clock_, [this](const wire::Message& message) {
      if (const auto* event = std::get_if<wire::NodeEvent>(&message))
        told_.push_back(event->kind + " " + event->text + " " + event->json);
      return true;
    });
    InstanceNode node{folder_ + "/instances", folder_, "n01", folder_ + "/run", 77, folder_ + "/pipelines"};
    instances_.emplace(loop_, clock_, looks_, *children_, *events_, node, [] {});
  }
  void TearDown() override {
    instances_->stop();
    children_->each([](Child& child) { child.stop(); });
    children_->each([](Child& child) { child.kill(); });
    EXPECT_TRUE(wait_for([&] { return !children_->any([](const Child& one) { return one.running(); }); }));
  }
  void describe(const std::string& keys) {
    scratch_.write(
        "pipelines/hungry.json",
        R"({"name": "hungry", "about": "Of a test.", "trigger": "always", "elements": ["fakesrc ! fakesink"], )" +
            keys + "}");
    scratch_.write("instances/hall.conf", "[pipeline]\ndescription=hungry\n");
  }
  Child& child() { return children_->place("pipeline-hall"); }
  // And it was seen; what follows is looked at anew.
  bool has_taken() {
    clock_.now_us += 11'000'000;
    const auto usage = UsageMeter(child().pid(), looks_).read(clock_.now_us / 1000);
    return usage && usage->proportional_bytes > kTaken;
  }
  void pass_seconds(int count) {
    for (int i = 0; i < count; ++i) {
      clock_.now_us += 1'000'000;
      // Another thread looks closely: by our clock it is soon done.
      ASSERT_TRUE(wait_for([&] {
        const auto usage = UsageMeter(child().pid(), looks_).read(clock_.now_us / 1000);
        return !usage || (usage->look_age_ms >= 0 && usage->look_age_ms < 2 * kCloseLookMs);
      }));
      instances_->look_at_use();
    }
  }
  // Of the first event of that kind; empty: there is none.
  std::string told(const std::string& kind) const {
    for (const std::string& one : told_)
      if (one.starts_with(kind + " ")) return one;
    return "";
  }
  bool json_has(const std::string& text) { return instances_->json().find(text) != std::string::npos; }

  OurClock clock_;
  CloseLooks looks_;
  std::vector<std::string> told_;
  std::optional<NodeEvents> events_;
  std::optional<Children> children_;
  std::optional<Instances> instances_;
};

TEST_F(InstancesTest, WhoTakesMoreThanHisDescriptionSaysIsEndedAndStartedLater) {
  describe(
      R"("resources": {"memory": 10, "cpu": 0}, "restart": {"pause": "1h", "max-pause": "1h", "alarm-after": 1})");
  instances_->start();
  ASSERT_TRUE(child().running());
  ASSERT_TRUE(wait_for([&] { return has_taken(); }));
  clock_.now_us += 11'000'000;
  pass_seconds(60);
  EXPECT_EQ(told("instance.memory"), "");
  EXPECT_TRUE(json_has("\"memory_bytes\":3")) << instances_->json();
  EXPECT_TRUE(json_has("\"cpu\":")) << instances_->json();
  pass_seconds(1);
  EXPECT_NE(told("instance.memory").find("266 are enough"), std::string::npos) << told("instance.memory");
  // It ends in order, and is not taken for one that has ended by itself.
  ASSERT_TRUE(wait_for([&] { return !child().running(); }));
  EXPECT_EQ(told("instance.over"), "");
  EXPECT_NE(told("instance.died").find("next start in 3600000 ms"), std::string::npos)
      << told("instance.died");
  EXPECT_NE(told("instance.alarm").find("266 are enough"), std::string::npos) << told("instance.alarm");
  EXPECT_TRUE(child().waiting());
  for (const char* text :
       {"\"state\":\"backing-off\"", "\"failed_in_a_row\":1", "\"next_start_utc\":\"1970-01-01T0",
        "\"last_end\":\"ended with 0: has 3", "\"restarts\":1"})
    EXPECT_TRUE(json_has(text)) << text << " is not in " << instances_->json();
}

TEST_F(InstancesTest, WhatARunWaitedForASilentPeerIsNoTimeThatItRan) {
  describe(R"("restart": {"pause": "1s", "steady": "2s"})");
  instances_->start();
  const auto arguments = instances_->words("hall").arguments;
  const auto id = std::find(arguments.begin(), arguments.end(), "--settings-id");
  ASSERT_LT(id + 1, arguments.end());
  const auto failed = [&](int64_t lived_ms, int64_t idle_ms) {
    instances_->told(child(),
                     wire::Status{"pipeline", 1,
                                  R"({"settings":")" + *(id + 1) +
                                      R"(","running":false,"line":"","error":"nothing has come","idle_ms":)" +
                                      std::to_string(idle_ms) + "}"});
    return instances_->pause(child(), 1, lived_ms);
  };
  EXPECT_EQ(failed(6500, 6000), 1000);
  EXPECT_EQ(failed(6500, 6000), 2000);
  EXPECT_EQ(failed(6500, 0), 1000);
  EXPECT_NE(told("instance.died").find("nothing has come"), std::string::npos) << told("instance.died");
}

// An operator's kill, say: the node has not asked for it.
TEST_F(InstancesTest, WhatIsToGoOnIsStartedAgainAlsoWhenItEndedInOrder) {
  describe(R"("restart": {"pause": "1s", "again": true})");
  instances_->start();
  EXPECT_EQ(instances_->pause(child(), 0, 60'000), 1000);
  EXPECT_EQ(told("instance.over"), "");
  EXPECT_NE(told("instance.died"), "");
}

TEST_F(InstancesTest, WhatHasEndedInOrderIsOver) {
  describe(R"("restart": {"pause": "1s"})");
  instances_->start();
  EXPECT_EQ(instances_->pause(child(), 0, 60'000), -1);
  EXPECT_NE(told("instance.over"), "");
}

// It stands on a command line, where everybody may compare it with that of a guess.
TEST_F(InstancesTest, TheIdOfSettingsTellsNothingOfThemAndOutlivesTheSupervisor) {
  describe(R"("restart": {"pause": "1s"})");
  const auto id = [&](const std::string& run) {
    fs::create_directories(folder_ + "/" + run);
    InstanceNode node{folder_ + "/instances", folder_, "n01", folder_ + "/" + run, 77,
                      folder_ + "/pipelines", ""};
    EXPECT_TRUE(take_id_key(node.runtime_dir, node.id_key));
    const auto wanted = read_instance(node, "hall", folder_ + "/pipelines");
    EXPECT_TRUE(wanted) << wanted.error().message;
    return wanted ? wanted->id : "";
  };
  const std::string first = id("run");
  EXPECT_EQ(id("run"), first) << "the next supervisor knows it";
  EXPECT_NE(id("other"), first) << "another node has another";
  struct stat status {};
  ASSERT_EQ(::stat((folder_ + "/run/instance-ids.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(InstancesTest, WithoutALimitNobodyIsEnded) {
  describe(R"("restart": {"pause": "1h", "max-pause": "1h"})");
  instances_->start();
  ASSERT_TRUE(wait_for([&] { return has_taken(); }));
  pass_seconds(200);
  EXPECT_EQ(told("instance.memory"), "");
  EXPECT_TRUE(child().running());
}

}  // namespace
}  // namespace headgate::serve
