// SPDX-License-Identifier: LGPL-2.1-or-later
// control.sock: the supervisor's line to this process. It tells what happens and what its children say of
// themselves, and carries out what operators want. Who else says that it is the supervisor (OurSupervisor) is
// not listened to.
#pragma once

#include <base/loop.h>
#include <wire/channel.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "our_supervisor.h"

namespace headgate::control {

inline constexpr int64_t kStatusMs = 1000;
inline constexpr int64_t kOperateMs = 15'000;  // for an answer

class SupervisorLink {
 public:
  // Of a child, or the supervisor: its last Status.
  struct Told {
    uint32_t pid = 0;
    std::string json;
  };
  using OnEvent = std::function<void(const wire::NodeEvent&)>;
  // Code 503: there is no supervisor; 504: it does not answer. JSON of an error: error, do.
  using OnDone = std::function<void(unsigned code, const std::string& json)>;

  // `listener`: what GetListeners answers as "control"; -1: none. `status`: JSON of this process.
  SupervisorLink(Loop& loop, int listener, OnEvent on_event, std::function<std::string()> status,
                 std::function<void()> on_stop, OurSupervisor ours = OurSupervisor());
  ~SupervisorLink();
  SupervisorLink(const SupervisorLink&) = delete;
  SupervisorLink& operator=(const SupervisorLink&) = delete;

  Result<void> listen(const std::string& runtime_dir);
  void operate(const std::string& verb, const std::string& json, OnDone done);
  bool supervised() const { return supervisor_ != nullptr; }
  // By name: "supervisor" (NODE's part), "gate", "origin", "worker-3", …. Those that the present supervisor
  // has told.
  const std::map<std::string, Told>& told() const { return told_; }

 private:
  struct Pending {
    OnDone done;
    Loop::TimerId timer;
  };
  void accept(std::unique_ptr<wire::Channel> channel);
  void on_message(wire::Channel& from, const wire::Message& message);
  void on_closed(wire::Channel* channel);
  bool is_ours(const wire::Channel& from);
  void finish(uint64_t id, unsigned code, const std::string& json);

  Loop& loop_;
  const int listener_;
  OnEvent on_event_;
  std::function<std::string()> status_;
  std::function<void()> on_stop_;
  std::unique_ptr<wire::Acceptor> acceptor_;
  std::map<wire::Channel*, std::unique_ptr<wire::Channel>> channels_;
  wire::Channel* supervisor_ = nullptr;
  OurSupervisor ours_;
  std::set<int> refused_;  // processes; the log has them once
  std::map<std::string, Told> told_;
  std::map<uint64_t, Pending> pending_;
  uint64_t last_operation_ = 0;
  Loop::TimerId timer_ = 0;
};

}  // namespace headgate::control
