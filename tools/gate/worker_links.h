// SPDX-License-Identifier: LGPL-2.1-or-later
// The gate's connections to the node's workers: finds their sockets in the runtime directory, connects, says
// Hello, and connects again when one comes back. One that speaks another protocol is left alone. In the
// loop's thread.
#pragma once

#include <base/loop.h>
#include <base/unique_fd.h>
#include <sys/types.h>
#include <wire/channel.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace headgate::gate {

struct WorkerLink {
  std::string path;
  std::unique_ptr<wire::Channel> channel;
  wire::WorkerState state;
  bool known = false;  // `state` has come
};

class WorkerLinks {
 public:
  using OnMessage = std::function<void(WorkerLink&, const wire::Message&)>;
  using OnLost = std::function<void(const WorkerLink&)>;

  // `on_lost`: the worker is gone; the link is destroyed after the call.
  static Result<std::unique_ptr<WorkerLinks>> watch(Loop& loop, const std::string& runtime_dir,
                                                    OnMessage on_message, OnLost on_lost);
  ~WorkerLinks();
  WorkerLinks(const WorkerLinks&) = delete;
  WorkerLinks& operator=(const WorkerLinks&) = delete;

  WorkerLink* find(const std::string& path);  // null: gone
  const std::map<std::string, WorkerLink>& all() const { return links_; }

 private:
  WorkerLinks(Loop& loop, std::string runtime_dir, OnMessage on_message, OnLost on_lost);
  void on_directory_changed();
  void scan();
  void connect(const std::string& path);
  void on_closed(const std::string& path);

  Loop& loop_;
  std::string runtime_dir_;
  OnMessage on_message_;
  OnLost on_lost_;
  UniqueFd inotify_;
  Loop::TimerId scan_timer_ = 0;
  std::map<std::string, WorkerLink> links_;    // by path
  std::map<std::string, ino_t> incompatible_;  // sockets whose processes speak another protocol, by path
};

}  // namespace headgate::gate
