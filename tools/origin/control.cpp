// SPDX-License-Identifier: LGPL-2.1-or-later
#include "control.h"

#include <base/io.h>
#include <json-glib/json-glib.h>
#include <unistd.h>

#include <cstring>

namespace headgate::origin {
namespace {

constexpr int64_t kStatusMs = 1000;
constexpr size_t kMaxNodeFile = 1 << 20;

// One line holding an object, or nothing.
std::string node_object(std::string_view text) {
  JsonNode* root = json_from_string(std::string(text).c_str(), nullptr);
  bool object = root && JSON_NODE_HOLDS_OBJECT(root);
  gchar* line = object ? json_to_string(root, FALSE) : nullptr;
  std::string out = line ? line : "";
  g_free(line);
  if (root) json_node_unref(root);
  return out;
}

// NODE without the process that has died.
std::string without_supervisor(const std::string& node) {
  JsonNode* root = json_from_string(node.c_str(), nullptr);
  if (!root) return "";
  JsonNode* list = JSON_NODE_HOLDS_OBJECT(root)
                       ? json_object_get_member(json_node_get_object(root), "processes")
                       : nullptr;
  JsonArray* processes = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : nullptr;
  for (guint i = 0; processes && i < json_array_get_length(processes); ++i) {
    JsonNode* one = json_array_get_element(processes, i);
    if (!JSON_NODE_HOLDS_OBJECT(one)) continue;
    const char* role = json_object_get_string_member_with_default(json_node_get_object(one), "role", "");
    if (std::strcmp(role, "supervisor") != 0) continue;
    json_array_remove_element(processes, i);
    break;
  }
  gchar* text = json_to_string(root, FALSE);
  std::string out = text;
  g_free(text);
  json_node_unref(root);
  return out;
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
