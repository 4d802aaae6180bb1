// SPDX-License-Identifier: LGPL-2.1-or-later
// Who has connected to a process' socket, by the role that each has said: what is told goes to all of a role.
// In the loop's thread.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <base/loop.h>
#include <wire/channel.h>

namespace headgate::wire {

class Audience {
 public:
  // Lives until its channel is closed; who has it from a callback does not keep it.
  struct Member {
    std::unique_ptr<Channel> channel;
    bool greeted = false;  // it has said Hello
    std::string role;      // as it said there
  };
  // A Hello has been noted when it comes here. Must not destroy the audience.
  using OnMessage = std::function<void(Member& from, Message message, std::vector<UniqueFd> fds)>;

  Audience(Loop& loop, OnMessage on_message) : loop_(loop), on_message_(std::move(on_message)) {}
  Audience(const Audience&) = delete;
  Audience& operator=(const Audience&) = delete;

  // Once. Errors are Acceptor::listen's.
  Result<void> listen(const std::string& path);
  bool has(std::string_view role) const;  // connected now
  void tell(const Message& message, std::initializer_list<std::string_view> roles);
  void tell_all(const Message& message);  // all that have greeted
  // What is told between these goes out together. In pairs.
  void hold();
  void release();

 private:
  void accept(std::unique_ptr<Channel> channel);

  Loop& loop_;
  const OnMessage on_message_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Member>> members_;  // as they came
};

}  // namespace headgate::wire
