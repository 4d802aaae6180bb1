// SPDX-License-Identifier: LGPL-2.1-or-later
// What webhooks are signed with, now and after it was changed, their pauses, and how they end. More of
// sending: tests/integration/control_test.py.
#include <control/loop_source.h>
#include <control/webhook_set.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <utility>

namespace headgate::control {
namespace {

TEST(Signature, IsAnHmacOfTimeAndBody) {
  // printf '1700000000.{"id":1}' | openssl dgst -sha256 -hmac 0123456789abcdef
  EXPECT_EQ(signature("0123456789abcdef", 1'700'000'000, R"({"id":1})"),
            "t=1700000000,v1=4bcaced68dfea90a68df035b89cb7fb26692d899d32a1ccb1b0616cf48e4d1ed");
}

TEST(Secret, IsLongEnoughAndNotForEverybody) {
  char path[] = "/tmp/hg-secret-XXXXXX";
  const std::string folder = ::mkdtemp(path), file = folder + "/secret";
  auto write = [&](const std::string& text, mode_t mode) {
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
  };
  write(" 0123456789abcdef\n", 0600);
  auto secret = load_secret(file);
  ASSERT_TRUE(secret) << secret.error().message;
  EXPECT_EQ(*secret, "0123456789abcdef");
  write("0123456789abcde\n", 0600);
  EXPECT_FALSE(load_secret(file));
  write("0123456789abcdef", 0644);
  EXPECT_FALSE(load_secret(file));
  EXPECT_FALSE(load_secret(folder + "/none"));
  std::filesystem::remove_all(folder);
}

TEST(Sender, AnAddressThatIsNoneIsAFailure) {
  ManualClock clock{0, 1'000'000};
  for (const char* url : {"http://[::1/hook", "http://host:port/", ""}) {
    WebhookSender sender(clock, url, "0123456789abcdef");
    int told = 0;
    sender.send(1, "{}", [&](unsigned status, const std::string& answer) {
      ++told;
      EXPECT_FALSE(is_taken(status));
      EXPECT_FALSE(answer.empty());
    });
    EXPECT_EQ(told, 1) << url;
  }
}

// A receiver on loopback, and a set of one that sends to it.
class WebhookSetTest : public testing::Test {
 protected:
  static constexpr char kOne[] = "0123456789abcdef", kTwo[] = "fedcba9876543210";

  void SetUp() override {
    log_.open();
    server_ = soup_server_new(nullptr, nullptr);
    soup_server_add_handler(
        server_, nullptr,
        [](SoupServer*, SoupServerMessage* message, const char*, GHashTable*, gpointer self) {
          static_cast<WebhookSetTest*>(self)->take(message);
        },
        this, nullptr);
    GError* error = nullptr;
    ASSERT_TRUE(soup_server_listen_local(server_, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error)) << error->message;
    GSList* uris = soup_server_get_uris(server_);
    gchar* text = g_uri_to_string(static_cast<GUri*>(uris->data));
    url_ = text;
    g_free(text);
    g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
  }
  void TearDown() override {
    soup_server_disconnect(server_);
    g_object_unref(server_);
    std::filesystem::remove_all(folder_);
  }
  void write_secret(const std::string& text) {
    std::ofstream(folder_ + "/secret") << text;
    ::chmod((folder_ + "/secret").c_str(), 0600);
  }
  void take(SoupServerMessage* message) {
    GBytes* body = soup_message_body_flatten(soup_server_message_get_request_body(message));
    gsize size = 0;
    const auto* data = static_cast<const char*>(g_bytes_get_data(body, &size));
    got_.emplace_back(
        soup_message_headers_get_one(soup_server_message_get_request_headers(message), "Headgate-Signature"),
        std::string(data, size));
    g_bytes_unref(body);
    soup_server_message_set_status(message, answer_, nullptr);
    if (!holds_) return;
    held_ = message;
    soup_server_message_pause(held_);
  }
  bool until(const std::function<bool()>& done) {
    using SteadyClock = std::chrono::steady_clock;
    const auto end = SteadyClock::now() + std::chrono::seconds(20);
    const guint wake = g_timeout_add(
        10, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
    while (!done() && SteadyClock::now() < end) g_main_context_iteration(nullptr, TRUE);
    g_source_remove(wake);
    return done();
  }
  // An event, and whether what comes of it is signed so.
  bool signs_with(const char* secret) {
    const size_t before = got_.size();
    log_.add("node.reload", kInfo, "read", "{}");
    return until([&] { return got_.size() > before; }) && is_signed(got_.back(), secret);
  }
  bool is_signed(const std::pair<std::string, std::string>& one, const char* secret) const {
    return one.first == signature(secret, clock_.utc_seconds(), one.second);
  }

  static std::string made_folder() {
    char path[] = "/tmp/hg-hooks-XXXXXX";
    return ::mkdtemp(path);
  }

  const std::string folder_ = made_folder();
  std::string url_;
  std::vector<std::pair<std::string, std::string>> got_;  // signature, body
  unsigned answer_ = 200;
  bool holds_ = false;  // the answer to what comes next, until it is told to go on
  SoupServerMessage* held_ = nullptr;
  SoupServer* server_ = nullptr;
  Loop loop_;
  LoopSource source_{loop_};
  ManualClock clock_{1'789'365'600ll * 1'000'000, 1'000'000};
  EventLog log_{clock_, folder_ + "/events"};
};

TEST_F(WebhookSetTest, AnotherSecretSignsWhatIsSentFromThenOn) {
  WebhookSet hooks(loop_, clock_, log_, {url_}, folder_ + "/secret", severity_rank(kInfo));
  hooks.load();
  EXPECT_EQ(hooks.json(), "[]") << "there is no secret yet";
  write_secret(kOne);
  hooks.load();
  EXPECT_TRUE(signs_with(kOne));
  write_secret("too short");
  hooks.load();
  EXPECT_TRUE(signs_with(kOne)) << "what is wrong changes nothing";
  // Whoever is told is the one who has changed it first: what he has refused comes again with the new one.
  answer_ = 401;
  ASSERT_TRUE(signs_with(kOne));
  answer_ = 200;
  write_secret(kTwo);
  hooks.load();
  ASSERT_TRUE(until([&] { return is_signed(got_.back(), kTwo); }));
  EXPECT_EQ(got_.back().second, got_[got_.size() - 2].second);
  EXPECT_TRUE(signs_with(kTwo));
}

TEST_F(WebhookSetTest, AnAddressThatWasTakenOutBeginsAnew) {
  write_secret(kOne);
  const auto begin = [&](std::vector<std::string> urls) {
    auto hooks = std::make_unique<WebhookSet>(loop_, clock_, log_, std::move(urls), folder_ + "/secret",
                                              severity_rank(kInfo));
    hooks->load();
    return hooks;
  };
  auto hooks = begin({url_});
  ASSERT_TRUE(signs_with(kOne));
  hooks.reset();
  log_.add("node.reload", kInfo, "while nobody sent", "{}");
  hooks = begin({url_});
  ASSERT_TRUE(until([&] { return got_.size() == 2; })) << "it goes on where it was";
  hooks.reset();
  hooks = begin({});
  log_.add("node.reload", kInfo, "not for it", "{}");
  hooks = begin({url_});
  EXPECT_TRUE(signs_with(kOne));
  EXPECT_EQ(got_.size(), 3u) << got_.back().second;
}

// A byte of the answer's head each fifth of a second.
TEST(Sender, AnAnswerThatDoesNotEndIsNone) {
  GSocketService* service = g_socket_service_new();
  const guint16 port = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(service), nullptr, nullptr);
  std::vector<GSocketConnection*> connections;
  g_signal_connect(
      service, "incoming",
      G_CALLBACK(+[](GSocketService*, GSocketConnection* one, GObject*, gpointer all) -> gboolean {
        static_cast<std::vector<GSocketConnection*>*>(all)->push_back(
            static_cast<GSocketConnection*>(g_object_ref(one)));
        return TRUE;
      }),
      &connections);
  const guint drip = g_timeout_add(
      200,
      [](gpointer all) -> gboolean {
        for (GSocketConnection* one : *static_cast<std::vector<GSocketConnection*>*>(all))
          g_socket_send(g_socket_connection_get_socket(one), "H", 1, nullptr, nullptr);
        return G_SOURCE_CONTINUE;
      },
      &connections);
  ManualClock clock{0, 1'000'000};
  WebhookSender sender(clock, "http://127.0.0.1:" + std::to_string(port) + "/", "0123456789abcdef", 1);
  std::string told;
  sender.send(1, "{}", [&](unsigned status, const std::string& answer) {
    EXPECT_EQ(status, 0u);
    told = answer;
  });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (told.empty() && std::chrono::steady_clock::now() < end) g_main_context_iteration(nullptr, TRUE);
  EXPECT_EQ(told, "it has not answered within 1 s");
  EXPECT_FALSE(connections.empty());
  g_source_remove(drip);
  for (GSocketConnection* one : connections) g_object_unref(one);
  g_object_unref(service);
}

TEST_F(WebhookSetTest, WhatIsTakenWhileItEndsIsNotSentAgain) {
  write_secret(kOne);
  std::optional<WebhookSet> hooks;
  const auto start = [&] {
    hooks.emplace(loop_, clock_, log_, std::vector{url_}, folder_ + "/secret", severity_rank(kInfo));
    hooks->load();
  };
  start();
  holds_ = true;
  log_.add("x", kInfo, "first", "{}");
  log_.add("x", kInfo, "second", "{}");
  ASSERT_TRUE(until([&] { return held_; }));
  int ended = 0, rounds = 0;
  hooks->end([&] { ++ended; });
  hooks->end([&] { ++ended; });
  const auto timer = loop_.every_ms(10, [&] { ++rounds; });
  ASSERT_TRUE(until([&] { return rounds == 5; }));
  loop_.cancel(timer);
  EXPECT_EQ(ended, 0) << "what is under way may still be answered";
  holds_ = false;
  soup_server_message_unpause(held_);
  ASSERT_TRUE(until([&] { return ended > 0; }));
  EXPECT_EQ(ended, 1);
  // The next control's.
  start();
  ASSERT_TRUE(until([&] { return got_.size() > 1; }));
  EXPECT_NE(got_[1].second.find("second"), std::string::npos) << got_[1].second;
}

TEST_F(WebhookSetTest, NobodyWaitsLongForWhoDoesNotAnswer) {
  write_secret(kOne);
  WebhookSet hooks(loop_, clock_, log_, {url_}, folder_ + "/secret", severity_rank(kInfo));
  hooks.load();
  holds_ = true;
  log_.add("x", kInfo, "first", "{}");
  ASSERT_TRUE(until([&] { return held_; }));
  bool ended = false;
  hooks.end([&] { ended = true; });
  EXPECT_TRUE(until([&] { return ended; }));
}

TEST(Pauses, GrowToAMinuteAndAreNeverTheSame) {
  int64_t pause = 0;
  for (int64_t expected : {1000, 2000, 4000, 8000, 16'000, 32'000, 60'000, 60'000}) {
    pause = next_pause_ms(pause);
    EXPECT_EQ(pause, expected);
  }
  EXPECT_EQ(with_jitter(1000, 0), 800);
  EXPECT_EQ(with_jitter(1000, 1), 1200);
}

}  // namespace
}  // namespace headgate::control
