// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <ticket/keys.h>
#include <ticket/verifier.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tv1.h"

namespace headgate::ticket {
namespace {

namespace fs = std::filesystem;

class Keys : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ticket-keys-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    top_ = name;
    directory_ = top_ + "/a/keys";
  }
  void TearDown() override { fs::remove_all(top_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path(name), std::ios::trunc) << text;
  }
  std::string text_of(const std::string& name) {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  unsigned mode_of(const std::string& name) {
    struct stat info {};
    EXPECT_EQ(stat(path(name).c_str(), &info), 0) << name;
    return info.st_mode & 0777;
  }
  static void names(const Error& error, std::string_view what) {
    EXPECT_NE(error.message.find(what), std::string::npos) << error.message;
  }

  std::string top_, directory_;
};

TEST_F(Keys, MadeKeysIssueAndVerify) {
  auto written = create_keys(directory_, {.event = 77, .kid = 3, .fleet = 4, .region = "north-1"});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->size(), 8u);
  EXPECT_EQ(mode_of("issuer-3.key"), 0600u);
  EXPECT_EQ(mode_of("master-north-1-3.key"), 0600u);
  EXPECT_EQ(mode_of("fleet-4.key"), 0600u);
  EXPECT_EQ(mode_of("."), 0700u);

  auto event = load_event(directory_);
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->event, 77u);
  EXPECT_EQ(event->kid, 3);
  EXPECT_EQ(event->fleet, 4);
  EXPECT_EQ(event->region, "north-1");

  auto issuer_keys = load_issuer_keys(directory_, std::nullopt, true);
  auto node_keys = load_node_keys(directory_);
  auto fleet_keys = load_fleet_keys(directory_);
  ASSERT_TRUE(issuer_keys && node_keys && fleet_keys);
  Issuer issuer(*issuer_keys);
  IssueRequest request = tv1::request();
  request.seal = Seal::kFleet;
  auto issued = issuer.issue(request);
  ASSERT_TRUE(issued);
  auto opened = open_qr(issued->blob, *fleet_keys);
  ASSERT_TRUE(opened) << opened.error().message;
  Verifier verifier(*node_keys);
  auto ticket = verifier.verify(opened->ticket.wire_text(), tv1::kNow);
  ASSERT_TRUE(ticket) << ticket.error().message;
  EXPECT_EQ(verifier.seed_of(*ticket), issued->seed);
}

TEST_F(Keys, NothingIsOverwritten) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  std::string before = text_of("issuer-1.key");
  ASSERT_EQ(before.size(), 65u);
  auto again = create_keys(directory_, {.event = 77});
  ASSERT_FALSE(again);
  names(again.error(), "issuer-1.key is there already");
  EXPECT_EQ(text_of("issuer-1.key"), before);
  auto other_event = create_keys(directory_, {.event = 78, .kid = 2, .fleet = 2});
  ASSERT_FALSE(other_event);
  names(other_event.error(), "event 77");
  EXPECT_FALSE(fs::exists(path("issuer-2.key")));
  // One file in the way is enough to write none.
  auto same_fleet = create_keys(directory_, {.event = 77, .kid = 2, .fleet = 1});
  ASSERT_FALSE(same_fleet);
  names(same_fleet.error(), "fleet-1.key");
  EXPECT_FALSE(fs::exists(path("issuer-2.key")));
}

TEST_F(Keys, ANodesFolderVerifiesAndMakesNothing) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  std::string node = directory_ + "/node";
  EXPECT_TRUE(holds_issuer_secret(directory_));
  EXPECT_FALSE(holds_issuer_secret(node));
  EXPECT_FALSE(load_issuer_keys(node, std::nullopt, false));
  EXPECT_EQ(load_fleet_keys(node)->size(), 0u);
  EXPECT_EQ(mode_of("node"), 0700u);
  EXPECT_EQ(mode_of("node/master-main-1.key"), 0600u);
  auto keys = load_node_keys(node);
  ASSERT_TRUE(keys) << keys.error().message;
  Issuer issuer(*load_issuer_keys(directory_, std::nullopt, false));
  auto issued = issuer.issue(tv1::request());
  ASSERT_TRUE(issued);
  EXPECT_TRUE(Verifier(*keys).verify(issued->ticket.wire_text(), tv1::kNow));
}

TEST_F(Keys, ASpareKidIsAdded) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  std::string event = text_of("event.json");
  auto added = create_keys(directory_, {.event = 77, .kid = 2, .fleet = 2});
  ASSERT_TRUE(added) << added.error().message;
  EXPECT_EQ(text_of("event.json"), event) << "new tickets still come from kid 1";
  auto node = load_node_keys(directory_);
  ASSERT_TRUE(node);
  EXPECT_EQ(node->issuers.size(), 2u);
  EXPECT_EQ(node->masters.size(), 2u);
  EXPECT_EQ(load_issuer_keys(directory_, std::nullopt, false)->kid, 1);
  EXPECT_EQ(load_issuer_keys(directory_, 2, false)->kid, 2);
  EXPECT_EQ(load_fleet_keys(directory_)->size(), 2u);
  EXPECT_EQ(load_node_keys(directory_ + "/node")->issuers, node->issuers);
  EXPECT_EQ(load_node_keys(directory_ + "/node")->masters, node->masters);
}

// What docs/tickets.md tells to copy to a node is enough for it, and not enough to issue.
TEST_F(Keys, ANodeNeedsNoSecretOfTheIssuer) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  fs::remove(path("issuer-1.key"));
  fs::remove(path("fleet-1.key"));
  EXPECT_TRUE(load_node_keys(directory_));
  auto issuer = load_issuer_keys(directory_, std::nullopt, false);
  ASSERT_FALSE(issuer);
  names(issuer.error(), "issuer-1.key is missing");
}

TEST_F(Keys, MissingFilesAreNamed) {
  auto none = load_node_keys(directory_);
  ASSERT_FALSE(none);
  names(none.error(), "event.json is missing");
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  fs::remove(path("fleet-1.key"));
  EXPECT_TRUE(load_issuer_keys(directory_, std::nullopt, false));
  auto fleet = load_issuer_keys(directory_, std::nullopt, true);
  ASSERT_FALSE(fleet);
  names(fleet.error(), "fleet-1.key is missing");
  fs::remove(path("master-main-1.key"));
  auto master = load_node_keys(directory_);
  ASSERT_FALSE(master);
  names(master.error(), "master-main-1.key is missing");
  fs::remove(path("issuer-1.pub"));
  auto issuer = load_node_keys(directory_);
  ASSERT_FALSE(issuer);
  names(issuer.error(), "issuer-<kid>.pub");
}

TEST_F(Keys, BrokenKeyFilesAreNamed) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  std::string good = text_of("issuer-1.pub");
  for (const std::string& text : {std::string(), std::string("hello\n"), good.substr(2), good + "00",
                                  " " + good, std::string(63, 'a'), std::string(5000, 'a')}) {
    write("issuer-1.pub", text);
    auto loaded = load_node_keys(directory_);
    ASSERT_FALSE(loaded) << text;
    names(loaded.error(), "issuer-1.pub");
  }
  write("issuer-1.pub", good.substr(0, 64));  // without the newline: as good
  EXPECT_TRUE(load_node_keys(directory_));
}

TEST_F(Keys, BrokenEventFilesAreNamed) {
  ASSERT_TRUE(create_keys(directory_, {.event = 77}));
  auto wrong = [&](const std::string& text, std::string_view reason) {
    write("event.json", text);
    auto loaded = load_event(directory_);
    ASSERT_FALSE(loaded) << text;
    names(loaded.error(), "event.json: ");
    names(loaded.error(), reason);
  };
  const std::string head = R"({"format":"headgate-event-1",)";
  wrong("", "1:1: the file ends where a value is expected");
  wrong("[]", "is not an object");
  wrong("{", "expected a key");
  wrong("{}", "\"format\"");
  wrong(R"({"format":"headgate-event-2"})", "\"format\"");
  wrong(head + R"("event":4294967296,"kid":1,"fleet":1,"region":"main"})", "\"event\"");
  wrong(head + R"("event":"77","kid":1,"fleet":1,"region":"main"})", "\"event\"");
  wrong(head + R"("event":77,"kid":256,"fleet":1,"region":"main"})", "\"kid\"");
  wrong(head + R"("event":77,"kid":1,"region":"main"})", "\"fleet\"");
  wrong(head + R"("event":77,"kid":1,"fleet":1,"region":"../x"})", "\"region\"");
  wrong(head + R"("event":77,"event":78})", "twice");
  wrong(head + R"("event":-1})", "\"event\"");
  wrong(head + R"("event":[1]})", "\"event\"");
  wrong(head + R"("event":99999999999999999999})", "\"event\"");
  wrong(head + R"("event":77)", "expected , or }");
  wrong(head + R"("event":77,})", "expected a key");
  wrong(head + R"("event" 77})", "expected :");
  wrong(head + R"("event":77,"kid":1,"fleet":1,"region":"a\u002f"})", "\"region\"");
  wrong(head + R"("deep":[[[[1]]]]})", "nested");
  wrong(head + "\n\"kid\":1}\nx", "3:1: something stands behind");
  write(
      "event.json",
      " { \"format\" : \"headgate-event-1\" ,\n \"event\" : 5, \"kid\":0, \"fleet\":255,\t\"region\":\"x\", "
      "\"note\":\"more\" }\n");
  auto good = load_event(directory_);
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->event, 5u);
}

TEST_F(Keys, RegionNames) {
  EXPECT_TRUE(is_region_name("north-1"));
  EXPECT_FALSE(is_region_name(""));
  EXPECT_FALSE(is_region_name("a/b"));
  EXPECT_FALSE(is_region_name("North"));
  EXPECT_FALSE(is_region_name(std::string(33, 'a')));
  EXPECT_FALSE(create_keys(directory_, {.event = 1, .region = "a/b"}));
  EXPECT_FALSE(fs::exists(directory_));
}

}  // namespace
}  // namespace headgate::ticket
