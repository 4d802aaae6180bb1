// SPDX-License-Identifier: LGPL-2.1-or-later
#include <wire/audience.h>

#include <algorithm>
#include <utility>

namespace headgate::wire {

Result<void> Audience::listen(const std::string& path) {
  auto acceptor =
      Acceptor::listen(loop_, path, [this](std::unique_ptr<Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  return {};
}

void Audience::accept(std::unique_ptr<Channel> channel) {
  Member* member = members_.emplace_back(std::make_unique<Member>()).get();
  member->channel = std::move(channel);
  member->channel->start(
      [this, member](Message message, std::vector<UniqueFd> fds) {
        if (const auto* hello = std::get_if<Hello>(&message)) {
          member->greeted = true;
          member->role = hello->role;
        }
        on_message_(*member, std::move(message), std::move(fds));
      },
      [this, member] { std::erase_if(members_, [&](const auto& one) { return one.get() == member; }); });
}

bool Audience::has(std::string_view role) const {
  return std::any_of(members_.begin(), members_.end(), [&](const auto& one) { return one->role == role; });
}

void Audience::tell(const Message& message, std::initializer_list<std::string_view> roles) {
  for (const auto& one : members_)
    if (std::find(roles.begin(), roles.end(), one->role) != roles.end()) one->channel->send(message);
}

void Audience::tell_all(const Message& message) {
  for (const auto& one : members_)
    if (one->greeted) one->channel->send(message);
}

void Audience::hold() {
  for (const auto& one : members_) one->channel->hold();
}

void Audience::release() {
  for (const auto& one : members_) one->channel->release();
}

}  // namespace headgate::wire
