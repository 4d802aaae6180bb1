// SPDX-License-Identifier: LGPL-2.1-or-later
// Names that appear in a node's runtime directory: worker-3.sock, gate.sock. Whoever listens moves its socket
// into place when connecting works (wire::Acceptor), also over a dead predecessor's: one event, no polling.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <base/loop.h>
#include <base/result.h>
#include <base/unique_fd.h>

namespace headgate::tools {

// Of one that has made room for another in its place: "gate-aside-123.sock", with its process's id.
inline constexpr char kAside[] = "-aside-";

class SocketWatch {
 public:
  using OnName = std::function<void(const std::string& name)>;
  // `on_name` gets every "*.sock" that is there (when start() is called) and every one that is moved in.
  static Result<std::unique_ptr<SocketWatch>> open(Loop& loop, const std::string& directory, OnName on_name);
  ~SocketWatch();
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  void start();

 private:
  SocketWatch(Loop& loop, std::string directory, OnName on_name, UniqueFd inotify);
  void read_events();

  Loop& loop_;
  std::string directory_;
  OnName on_name_;
  UniqueFd inotify_;
};

}  // namespace headgate::tools
