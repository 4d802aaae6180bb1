// SPDX-License-Identifier: LGPL-2.1-or-later
// A server of control over TCP with its door, and clients that do what they like with their connections.
#pragma once

#include <arpa/inet.h>
#include <base/encoding.h>
#include <control/http_server.h>
#include <control/loop_source.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>

namespace headgate::control {

class HttpFixture : public testing::Test {
 protected:
  static constexpr char kHere[] = "127.0.0.1";

  void SetUp() override {
    char path[] = "/tmp/hg-http-XXXXXX";
    folder_ = ::mkdtemp(path);
    tokens({"a", "b"});
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    address_ = address(kHere);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    ASSERT_EQ(::listen(listener.get(), 512), 0);
    socklen_t size = sizeof address_;
    ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
    server_ = std::make_unique<HttpServer>(loop_, clock_, std::move(listener), &door_,
                                           [this](const ExchangePtr& exchange) { answer(exchange); });
  }
  void TearDown() override {
    server_.reset();
    while (g_main_context_iteration(nullptr, FALSE)) {
    }
    std::filesystem::remove_all(folder_);
  }
  virtual void answer(const ExchangePtr& exchange) { exchange->send(200, "{}"); }

  // These are known from now on, each for itself its name; may read.
  void tokens(const std::vector<std::string>& all) {
    std::ofstream file(folder_ + "/tokens");
    for (const std::string& one : all) file << one << " read " << to_hex(sha256(as_bytes(one))) << "\n";
    file.close();
    ASSERT_TRUE(door_.load(folder_ + "/tokens"));
  }
  // From `from`, any address of the loopback's.
  UniqueFd connect(const std::string& from = kHere) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own = address(from);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    return fd;
  }
  UniqueFd say(const std::string& text, const std::string& from = kHere) {
    UniqueFd fd = connect(from);
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    return fd;
  }
  static std::string request(const std::string& token, const std::string& more = "") {
    return "GET /x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n" + more + "\r\n";
  }
  // The server runs until `done`; false: it takes too long, though less than a connection may be silent.
  static bool until(const std::function<bool()>& done) {
    using SteadyClock = std::chrono::steady_clock;
    const auto end = SteadyClock::now() + std::chrono::seconds(kIdleSeconds - 10);
    // It wakes up, so that `done` is asked.
    const guint wake = g_timeout_add(
        10, [](gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr);
    bool is_done = false;
    while (!(is_done = done()) && SteadyClock::now() < end) g_main_context_iteration(nullptr, TRUE);
    g_source_remove(wake);
    return is_done;
  }
  // What has come since it was asked last; sets `ended` when there will be no more.
  static std::string come(int fd, bool* ended) {
    std::string out;
    char buffer[4096];
    ssize_t got;
    while ((got = ::recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) out.append(buffer, got);
    *ended = got == 0 || (errno != EAGAIN && errno != EINTR);
    return out;
  }
  static bool has_ended(int fd) {
    bool ended = false;
    come(fd, &ended);
    return ended;
  }
  // All that is answered, until the server closes; "" if it does not.
  static std::string answer_on(int fd) {
    std::string out;
    bool ended = false;
    return until([&] {
      out += come(fd, &ended);
      return ended;
    })
               ? out
               : "";
  }
  static int status_of(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
  }
  int ask(const std::string& token, const std::string& from = kHere) {
    return status_of(answer_on(say(request(token), from).get()));
  }

  std::string folder_;
  Loop loop_;
  ManualClock clock_{0, 1'000'000};
  Door door_{clock_};
  LoopSource source_{loop_};
  std::unique_ptr<HttpServer> server_;

 private:
  static sockaddr_in address(const std::string& text) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    ::inet_pton(AF_INET, text.c_str(), &out.sin_addr);
    return out;
  }
  sockaddr_in address_{};
};

}  // namespace headgate::control
