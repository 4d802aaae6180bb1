// SPDX-License-Identifier: LGPL-2.1-or-later
// What webhooks are signed with, and their pauses. Sending: tests/integration/control_test.py.
#include <control/webhooks.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

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
