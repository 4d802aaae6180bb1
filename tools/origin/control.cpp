// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <base/io.h>
#include <base/json.h>
#include <unistd.h>

#include <utility>
#include <vector>

namespace headgate::origin {
namespace {

constexpr int64_t kStatusMs = 1000;
constexpr size_t kMaxNodeFile = 1 << 20;

// One line holding an object, or nothing.
std::string node_object(std::string_view text) {
  const Json node = Json::object_of(text);
  return node.is_object() ? node.json() : "";
}

// NODE without the process that has died.
std::string without_supervisor(const std::string& text) {
  Json node = Json::object_of(text);
  if (!node.is_object()) return "";
  std::vector<Json> left;
  bool found = false;
  for (const Json& one : node.at("processes").items()) {
    if (!found && one.text("role") == "supervisor")
      found = true;
    else
      left.push_back(one);
  }
  if (found) node.set("processes", Json::array_of(std::move(left)));
  return node.json();
}

}  // namespace

Control::Control(Loop& loop, int listener, std::function<void()> on_stop)
    : loop_(loop), listener_(listener), on_stop_(std::move(on_stop)) {}

Control::~Control() {
  loop_.cancel(timer_);
}

wire::Status Control::status() const {
  return {"origin", static_cast<uint32_t>(::getpid()), json_ ? json_() : "{}"};
}

Result<void> Control::listen(const std::string& runtime_dir) {
  auto acceptor =
      wire::Acceptor::listen(loop_, runtime_dir + "/origin.sock",
                             [this](std::unique_ptr<wire::Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  if (auto left = read_file(runtime_dir + "/node.json", kMaxNodeFile)) node_ = node_object(as_text(*left));
  timer_ = loop_.every_ms(kStatusMs, [this] { tell(); });
  return {};
}

void Control::serves() {
  serves_ = true;
  tell();
}

void Control::tell() {
  if (!serves_) return;
  for (auto& [key, channel] : channels_) channel->send(status());
}

void Control::accept(std::unique_ptr<wire::Channel> channel) {
  wire::Channel* key = channel.get();
  channels_[key] = std::move(channel);
  key->start(
      [this, key](const wire::Message& message, const std::vector<UniqueFd>&) { on_message(*key, message); },
      [this, key] { on_closed(key); });
}

void Control::on_closed(wire::Channel* channel) {
  if (channel == supervisor_) {
    node_ = without_supervisor(node_);
    supervisor_ = nullptr;
  }
  channels_.erase(channel);
}

void Control::on_message(wire::Channel& from, const wire::Message& message) {
  if (std::holds_alternative<wire::Hello>(message)) {
    if (serves_) from.send(status());
  } else if (std::holds_alternative<wire::GetListeners>(message))
    from.send(wire::Listeners{{"http"}}, {listener_});
  else if (auto* node = std::get_if<wire::Status>(&message))
    node_ = node->json, supervisor_ = &from;
  else if (std::holds_alternative<wire::Stop>(message))
    on_stop_();
}

}  // namespace headgate::origin
