// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <headgate/operate/sessions_left.h>

namespace headgate::cli {
namespace {

// Two workers that tell, one that does not, and a pipeline of the node's own with what it streams.
constexpr char kNode[] = R"({
  "processes": [{"role": "supervisor", "pid": 1}, {"role": "worker", "pid": 10}, {"role": "worker", "pid": 11},
                {"role": "worker", "pid": 12, "retiring": true, "protocol": "2.0"},
                {"instance": "hall", "role": "pipeline", "pid": 13}],
  "workers": [{"worker": 0, "pid": 10, "sessions": 2}, {"worker": 3, "pid": 11, "sessions": 0}],
  "sessions": [{"session": "1", "worker": 0}, {"session": "2", "worker": 3}, {"session": "3", "worker": null},
               {"session": "4", "worker": 8}]})";

SessionsLeft left_of(const std::string& node, int64_t worker_pid = 0) {
  auto left = sessions_left(Json::object_of(node), worker_pid);
  return left ? *left : SessionsLeft{99, 99};
}

TEST(SessionsLeft, AreThoseOfWorkersAndNotOfTheNodesOwnPipelines) {
  // Two that a worker has counted, one that it has not yet, one of a worker that nobody knows.
  EXPECT_EQ(left_of(kNode), (SessionsLeft{4, 1}));
  EXPECT_EQ(left_of(kNode, 10), (SessionsLeft{2, 0}));
  EXPECT_EQ(left_of(kNode, 11), (SessionsLeft{1, 0}));
  EXPECT_EQ(left_of(kNode, 12), (SessionsLeft{0, 1})) << "whose sessions nobody lists";
  EXPECT_TRUE(left_of(kNode, 14).none()) << "it has ended";
}

TEST(SessionsLeft, AWorkerThatStartsHasNotToldYet) {
  const auto left =
      left_of(R"({"processes": [{"role": "supervisor", "pid": 1}, {"role": "worker", "pid": 10}],
                                "workers": [], "sessions": []})");
  EXPECT_EQ(left, (SessionsLeft{0, 0, 1}));
  EXPECT_FALSE(left.none());
}

TEST(SessionsLeft, ANodeWithOnlyItsOwnPipelinesIsEmpty) {
  EXPECT_TRUE(left_of(R"({"processes": [{"role": "supervisor", "pid": 1}, {"role": "worker", "pid": 10},
                                        {"instance": "hall", "role": "pipeline", "pid": 13}],
                          "workers": [{"worker": 0, "pid": 10, "sessions": 0}],
                          "sessions": [{"session": "3", "worker": null}]})")
                  .none());
}

TEST(SessionsLeft, NobodyKnowsWithoutASupervisor) {
  for (const char* node : {R"({"processes": [], "workers": [], "sessions": []})", "{}"}) {
    const auto parsed = Json::object_of(node);
    EXPECT_FALSE(sessions_left(parsed, 0)) << node;
  }
}

TEST(SessionsLeft, AWorkersProcessIsFoundByItsNumber) {
  const auto node = Json::object_of(kNode);
  EXPECT_EQ(pid_of_worker(node, 3), 11);
  EXPECT_EQ(pid_of_worker(node, 1), 0);
}

}  // namespace
}  // namespace headgate::cli
