// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor_link.h"

#include <common/log.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "exchange.h"

namespace headgate::control {
namespace {

constexpr size_t kMaxRefused = 100;  // that the log has

}  // namespace

SupervisorLink::SupervisorLink(Loop& loop, int listener, OnEvent on_event,
                               std::function<std::string()> status, std::function<void()> on_stop,
                               OurSupervisor ours)
    : loop_(loop),
      listener_(listener),
      on_event_(std::move(on_event)),
      status_(std::move(status)),
      on_stop_(std::move(on_stop)),
      ours_(std::move(ours)) {}

SupervisorLink::~SupervisorLink() {
  loop_.cancel(timer_);
  for (auto& [id, one] : pending_) loop_.cancel(one.timer);
}

Result<void> SupervisorLink::listen(const std::string& runtime_dir) {
  auto acceptor =
      wire::Acceptor::listen(loop_, runtime_dir + "/control.sock",
                             [this](std::unique_ptr<wire::Channel> channel) { accept(std::move(channel)); });
  if (!acceptor) return Unexpected(acceptor.error());
  acceptor_ = *std::move(acceptor);
  timer_ = loop_.every_ms(kStatusMs, [this] {
    const wire::Status status{"control", static_cast<uint32_t>(::getpid()), status_()};
    for (auto& [key, channel] : channels_) channel->send(status);
  });
  return {};
}

void SupervisorLink::accept(std::unique_ptr<wire::Channel> channel) {
  wire::Channel* key = channel.get();
  channels_[key] = std::move(channel);
  key->start(
      [this, key](const wire::Message& message, const std::vector<UniqueFd>&) { on_message(*key, message); },
      [this, key] { on_closed(key); });
}

void SupervisorLink::on_closed(wire::Channel* channel) {
  if (channel == supervisor_) {
    supervisor_ = nullptr;
    told_.clear();
    std::vector<uint64_t> ids;
    for (const auto& [id, one] : pending_) ids.push_back(id);
    for (uint64_t id : ids)
      finish(id, 503,
             error_json("the supervisor has ended", "look into its log, and ask again when it runs"));
  }
  channels_.erase(channel);
}

bool SupervisorLink::is_ours(const wire::Channel& from) {
  const int pid = from.peer_pid();
  if (ours_.may_be(pid)) return true;
  if (refused_.size() < kMaxRefused && refused_.insert(pid).second)
    tools::log_warning("process " + std::to_string(pid) +
                       " is not the supervisor and wants what only that one may");
  return false;
}

void SupervisorLink::on_message(wire::Channel& from, const wire::Message& message) {
  if (auto* hello = std::get_if<wire::Hello>(&message)) {
    if (hello->role == "supervisor" && is_ours(from)) {
      ours_.says_so(from.peer_pid());
      if (supervisor_ != &from) told_.clear();
      supervisor_ = &from;
    }
    from.send(wire::Status{"control", static_cast<uint32_t>(::getpid()), status_()});
  } else if (std::holds_alternative<wire::GetListeners>(message)) {
    if (listener_ >= 0 && is_ours(from))
      from.send(wire::Listeners{{"control"}}, {listener_});
    else
      from.send(wire::Listeners{});
  } else if (std::holds_alternative<wire::Stop>(message)) {
    if (is_ours(from)) on_stop_();
  } else if (&from != supervisor_) {
    return;  // nobody else tells what happens
  } else if (auto* event = std::get_if<wire::NodeEvent>(&message)) {
    on_event_(*event);
  } else if (auto* status = std::get_if<wire::Status>(&message)) {
    if (const int pid = static_cast<int>(status->pid); pid != from.peer_pid())
      ours_.tells_of(status->role, pid);
    told_[status->role] = {status->pid, status->json};
  } else if (auto* operated = std::get_if<wire::Operated>(&message)) {
    finish(operated->id, operated->code, operated->json);
  }
}

void SupervisorLink::operate(const std::string& verb, const std::string& json, OnDone done) {
  const uint64_t id = ++last_operation_;
  const Loop::TimerId timer = loop_.after_ms(kOperateMs, [this, id] {
    finish(id, 504, error_json("the supervisor does not answer", "look at it: it is killed when it hangs"));
  });
  pending_[id] = {std::move(done), timer};
  if (!supervisor_ || !supervisor_->send(wire::Operate{id, verb, json}))
    finish(id, 503,
           error_json("no supervisor runs: streams go on, but nobody can act",
                      "start it again: systemctl start headgate, or headgate serve"));
}

void SupervisorLink::finish(uint64_t id, unsigned code, const std::string& json) {
  auto found = pending_.extract(id);
  if (!found) return;
  loop_.cancel(found.mapped().timer);
  found.mapped().done(code, json);
}

}  // namespace headgate::control
