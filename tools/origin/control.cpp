// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <unistd.h>

namespace headgate::origin {
namespace {

constexpr int64_t kStatusMs = 1000;

wire::Status status() {
  return {"origin", static_cast<uint32_t>(::getpid()), "{}"};
}

}  // namespace

Control::Control(Loop& loop, int listener, std::function<void()> on_stop)
    : loop_(loop), listener_(listener), on_stop_(std::move(on_stop)) {}

Control::~Control() {
  loop_.cancel(timer_);
}

Result<void> Control::listen(const std::string& runtime_dir) {
  auto acceptor =
      wire::Acceptor::listen(loop_, runtime_dir + "/origin.sock",
                             [this](std::unique_ptr<wire::Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  timer_ = loop_.every_ms(kStatusMs, [this] {
    for (auto& [key, channel] : channels_) channel->send(status());
  });
  return {};
}

void Control::accept(std::unique_ptr<wire::Channel> channel) {
  wire::Channel* key = channel.get();
  channels_[key] = std::move(channel);
  key->start(
      [this, key](const wire::Message& message, const std::vector<UniqueFd>&) { on_message(*key, message); },
      [this, key] { channels_.erase(key); });
}

void Control::on_message(wire::Channel& from, const wire::Message& message) {
  if (std::holds_alternative<wire::Hello>(message))
    from.send(status());
  else if (std::holds_alternative<wire::GetListeners>(message))
    from.send(wire::Listeners{{"http"}}, {listener_});
  else if (auto* node = std::get_if<wire::Status>(&message))
    node_ = node->json;
  else if (std::holds_alternative<wire::Stop>(message))
    on_stop_();
}

}  // namespace headgate::origin
