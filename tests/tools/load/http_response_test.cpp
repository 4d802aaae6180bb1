// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <load/http_response.h>

namespace headgate::load {
namespace {

constexpr size_t kKeep = 100;

// Fed whole and byte by byte, with what follows left alone.
void expect_body(std::string_view response, int status, std::string_view body) {
  std::string more = std::string(response) + "HTTP/1.1 500 next\r\n";
  HttpResponse whole(kKeep);
  auto taken = whole.feed(as_bytes(more));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_EQ(*taken, response.size());
  EXPECT_TRUE(whole.done());
  EXPECT_EQ(whole.status(), status);
  EXPECT_EQ(whole.body(), body);
  HttpResponse pieces(kKeep);
  for (char c : response) {
    EXPECT_FALSE(pieces.done());
    auto one = pieces.feed(as_bytes(std::string_view(&c, 1)));
    ASSERT_TRUE(one) << one.error().message;
    EXPECT_EQ(*one, 1u);
  }
  EXPECT_TRUE(pieces.done());
  EXPECT_EQ(pieces.body(), body);
  EXPECT_EQ(pieces.body_bytes(), body.size());
}

TEST(HttpResponse, Bodies) {
  expect_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
  expect_body("HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", 404, "");
  expect_body("HTTP/1.1 304 Not Modified\r\n\r\n", 304, "");
  expect_body(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: y\r\n\r\n",
      200, "hello");
  expect_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x");
}

TEST(HttpResponse, KeepAlive) {
  auto keeps = [](std::string_view head) {
    HttpResponse response(kKeep);
    EXPECT_TRUE(response.feed(as_bytes(head)));
    return response.keep_alive();
  };
  EXPECT_TRUE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1 200 OK\r\n\r\n"));
}

TEST(HttpResponse, UntilTheConnectionCloses) {
  HttpResponse response(kKeep);
  ASSERT_TRUE(response.feed(as_bytes("HTTP/1.0 200 OK\r\n\r\nhel")));
  ASSERT_TRUE(response.feed(as_bytes("lo")));
  EXPECT_FALSE(response.done());
  ASSERT_TRUE(response.closed());
  EXPECT_TRUE(response.done());
  EXPECT_EQ(response.body(), "hello");
  HttpResponse cut(kKeep);
  ASSERT_TRUE(cut.feed(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")));
  EXPECT_FALSE(cut.closed());
}

TEST(HttpResponse, SkipsWhatIsOnlyCounted) {
  HttpResponse response(0);
  ASSERT_TRUE(response.feed(as_bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nab")));
  EXPECT_EQ(response.skippable(), 998u);
  response.skipped(900);
  EXPECT_FALSE(response.done());
  response.skipped(98);
  EXPECT_TRUE(response.done());
  EXPECT_EQ(response.body_bytes(), 1000u);
  EXPECT_EQ(response.body(), "");
}

TEST(HttpResponse, RefusesNonsense) {
  for (const char* bad :
       {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n"}) {
    std::string response = std::string(bad) + std::string(kKeep + 1, 'x');
    EXPECT_FALSE(HttpResponse(kKeep).feed(as_bytes(response))) << bad;
  }
  EXPECT_FALSE(HttpResponse(kKeep).feed(as_bytes(std::string(kMaxHttpHead + 1, 'x'))));
}

}  // namespace
}  // namespace headgate::load
