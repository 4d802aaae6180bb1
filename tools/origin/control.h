// SPDX-License-Identifier: LGPL-2.1-or-later
// origin.sock: the supervisor's line to the origin.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <base/loop.h>
#include <wire/channel.h>

namespace headgate::origin {

class Control {
 public:
  // `listener`: what GetListeners answers, as "http". `on_stop`: asked to end.
  Control(Loop& loop, int listener, std::function<void()> on_stop);
  ~Control();
  // What each status says beyond the process's id; from before listen(). A JSON object.
  void says(std::function<std::string()> json) { json_ = std::move(json); }
  Result<void> listen(const std::string& runtime_dir);
  // The port is open: who has asked is told a status now, and each second. Not before: who tells serves.
  void serves();
  // What the supervisor says of the node, a JSON object: before it has connected, what it left in node.json.
  // Empty: nothing is known. When it dies, it is no longer among the processes.
  const std::string& node() const { return node_; }

 private:
  void accept(std::unique_ptr<wire::Channel> channel);
  void on_message(wire::Channel& from, const wire::Message& message);
  void on_closed(wire::Channel* channel);
  wire::Status status() const;
  void tell();

  Loop& loop_;
  int listener_;
  std::function<void()> on_stop_;
  std::unique_ptr<wire::Acceptor> acceptor_;
  std::map<wire::Channel*, std::unique_ptr<wire::Channel>> channels_;
  std::string node_;
  std::function<std::string()> json_;    // none: says nothing
  wire::Channel* supervisor_ = nullptr;  // that node_ came from; null: it has gone
  Loop::TimerId timer_ = 0;
  bool serves_ = false;
};

}  // namespace headgate::origin
