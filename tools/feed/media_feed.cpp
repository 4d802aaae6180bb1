// SPDX-License-Identifier: LGPL-2.1-or-later
#include <feed/media_feed.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>

namespace headgate::tools {

std::string pipeline_of(const std::string& socket) {
  constexpr std::string_view kFront = kPipelineFront;
  return socket.starts_with(kFront) ? socket.substr(kFront.size(), socket.find('.') - kFront.size()) : "";
}

MediaFeed::MediaFeed(Loop& loop, std::string runtime_dir, std::string role, Events events)
    : loop_(loop), runtime_dir_(std::move(runtime_dir)), role_(std::move(role)), events_(std::move(events)) {}

MediaFeed::~MediaFeed() {
  for (auto& [name, pidfd] : incompatible_) loop_.unwatch(pidfd.get());
  for (auto& [name, timer] : again_) loop_.cancel(timer);
}

Result<void> MediaFeed::start() {
  auto watch = SocketWatch::open(loop_, runtime_dir_, [this](const std::string& name) {
    if (name.starts_with(kWorkerFront) || name.starts_with(kPipelineFront)) connect(name);
  });
  if (!watch) return Unexpected(watch.error());
  watch_ = *std::move(watch);
  watch_->start();
  return {};
}

bool MediaFeed::send(const std::string& name, const wire::Message& message) {
  auto channel = channels_.find(name);
  return channel != channels_.end() && channel->second->send(message);
}

void MediaFeed::connect(const std::string& name) {
  auto channel = wire::Channel::connect(loop_, runtime_dir_ + "/" + name);
  if (!channel) return;  // its process has died; the next one's socket is told by the watch
  if (channels_.count(name) != 0) close(name);  // a new process under the old name
  wire::Channel& opened = **channel;
  channels_[name] = *std::move(channel);
  opened.start([this, name](const wire::Message& message,
                            const std::vector<UniqueFd>&) { events_.message(name, message); },
               [this, name, pid = opened.peer_pid()] {
                 const bool stranger = channels_.at(name)->incompatible();
                 if (stranger) note_incompatible(name, pid);
                 close(name);
                 if (stranger)
                   return;  // it stays one; who comes under its name after it is told by the watch
                 // Perhaps it only cut a connection that was too slow.
                 loop_.cancel(std::exchange(again_[name], loop_.after_ms(kFeedAgainMs, [this, name] {
                   again_.erase(name);
                   if (channels_.count(name) == 0) connect(name);
                 })));
               });
  opened.send(wire::Hello{role_});
  if (events_.opened) events_.opened(name);
}

void MediaFeed::note_incompatible(const std::string& name, int pid) {
  forget_incompatible(name);
  if (events_.incompatible) events_.incompatible(name);
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    if (events_.incompatible_ended) events_.incompatible_ended(name);
    return;
  }
  loop_.watch(pidfd.get(), EPOLLIN, [this, name](uint32_t) { forget_incompatible(name); });
  incompatible_[name] = std::move(pidfd);
}

void MediaFeed::forget_incompatible(const std::string& name) {
  auto found = incompatible_.extract(name);
  if (!found) return;
  loop_.unwatch(found.mapped().get());
  if (events_.incompatible_ended) events_.incompatible_ended(found.key());
}

void MediaFeed::close(const std::string& name) {
  channels_.erase(name);
  events_.closed(name);
}

}  // namespace headgate::tools
