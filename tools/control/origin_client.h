// SPDX-License-Identifier: LGPL-2.1-or-later
// What headgate-origin knows of streams, asked over its Unix socket.
#pragma once

#include <libsoup/soup.h>

#include <functional>
#include <string>

namespace headgate::control {

inline constexpr unsigned kOriginTimeoutS = 10;
inline constexpr int kOriginConnections = 16;  // more requests wait

class OriginClient {
 public:
  // 0: nobody answers, and `body` is why.
  using OnAnswer = std::function<void(unsigned status, const std::string& body)>;

  explicit OriginClient(const std::string& runtime_dir);
  ~OriginClient();
  OriginClient(const OriginClient&) = delete;
  OriginClient& operator=(const OriginClient&) = delete;

  // `done` once, later; not after the destructor.
  void get(const std::string& path, OnAnswer done);

 private:
  SoupSession* session_;
  GCancellable* cancellable_;
};

}  // namespace headgate::control
