// SPDX-License-Identifier: LGPL-2.1-or-later
#include "feed.h"

namespace headgate::origin {

WorkerFeed::WorkerFeed(Loop& loop, std::string runtime_dir, Catalog& catalog)
    : loop_(loop), runtime_dir_(std::move(runtime_dir)), catalog_(catalog) {}

WorkerFeed::~WorkerFeed() {
  for (auto& [name, timer] : retries_) loop_.cancel(timer);
}

Result<void> WorkerFeed::start() {
  auto watch = tools::SocketWatch::open(loop_, runtime_dir_, [this](const std::string& name) {
    if (name.rfind("worker-", 0) == 0) connect(name);
  });
  if (!watch) return Unexpected(watch.error());
  watch_ = *std::move(watch);
  watch_->start();
  return {};
}

void WorkerFeed::connect(const std::string& name) {
  auto channel = wire::Channel::connect(loop_, runtime_dir_ + "/" + name);
  if (!channel) return;  // its process has died; the next one's socket is told by the watch
  if (channels_.count(name) != 0) on_closed(name);  // a new process under the old name
  wire::Channel& opened = **channel;
  channels_[name] = *std::move(channel);
  opened.start(
      [this, name](const wire::Message& message, const std::vector<UniqueFd>&) { on_message(name, message); },
      [this, name] {
        on_closed(name);
        // Perhaps it only cut a connection that was too slow.
        retries_[name] = loop_.after_ms(kReconnectMs, [this, name] {
          retries_.erase(name);
          if (channels_.count(name) == 0) connect(name);
        });
      });
  opened.send(wire::Hello{"origin"});
  // It answers in turn: when it has told what a Hello is told.
  if (opened.send(wire::GetListeners{})) telling_.insert(name);
}

void WorkerFeed::want(uint32_t worker, uint64_t session, const std::string& rendition) {
  for (const auto& [name, state] : states_)
    if (auto channel = channels_.find(name); state.worker == worker && channel != channels_.end())
      channel->second->send(wire::WantRendition{session, rendition});
}

void WorkerFeed::on_closed(const std::string& name) {
  if (auto state = states_.extract(name)) catalog_.worker_gone(state.mapped().worker);
  channels_.erase(name);
  telling_.erase(name);
}

void WorkerFeed::on_message(const std::string& name, const wire::Message& message) {
  if (auto* state = std::get_if<wire::WorkerState>(&message))
    states_[name] = *state;
  else if (auto* opened = std::get_if<wire::SessionOpened>(&message))
    catalog_.session_opened(states_[name].worker, *opened);
  else if (auto* records = std::get_if<wire::StreamRecords>(&message))
    catalog_.records(*records);
  else if (auto* health = std::get_if<wire::SessionHealth>(&message))
    catalog_.health(*health);
  else if (std::holds_alternative<wire::Listeners>(message))
    telling_.erase(name);
  else if (auto* closed = std::get_if<wire::SessionClosed>(&message))
    catalog_.session_closed(*closed);
}

}  // namespace headgate::origin
