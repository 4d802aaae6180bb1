// SPDX-License-Identifier: LGPL-2.1-or-later
// GET over libsoup, many at a time, on the default main context. One thread.
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <base/bytes.h>

namespace headgate::check {

inline constexpr size_t kMaxBodyBytes = 256u << 20;
inline constexpr unsigned kMaxConnections = 64;
inline constexpr unsigned kTimeoutSeconds = 60;  // of silence

struct Answer {
  unsigned status = 0;  // 0: none came, `error` says why
  std::string error;
  std::string url;  // after redirections
  ByteVector body;
  std::string type, encoding, cache_control;  // header fields; the type without parameters
  bool has_expires = false;
  int64_t asked_us = 0, loaded_us = 0;  // monotonic
  bool ok() const { return status == 200 || status == 206; }
  std::string problem() const;  // "status 404", or `error`
};

class HttpClient {
 public:
  using Done = std::function<void(Answer)>;
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // `range`: "bytes=0-99", or empty. `done` is called later, once, unless stop() comes before.
  void get(const std::string& url, const std::string& range, Done done);
  // Ends what is under way without calling anybody.
  void stop();
  uint64_t bytes() const { return bytes_; }

 private:
  struct Request;
  static void on_sent(GObject* session, GAsyncResult* result, gpointer data);
  static void on_read(GObject* stream, GAsyncResult* result, gpointer data);
  static void read_more(Request* request);
  void finish(Request* request, const char* error);

  SoupSession* session_;
  GCancellable* cancellable_;
  size_t under_way_ = 0;
  bool stopped_ = false;
  uint64_t bytes_ = 0;
};

}  // namespace headgate::check
