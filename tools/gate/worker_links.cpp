// SPDX-License-Identifier: LGPL-2.1-or-later
#include "worker_links.h"

#include <base/io.h>
#include <common/log.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace headgate::gate {
namespace {

// Also without news from the directory: a worker that was killed leaves its socket's name, and the next one
// may listen on it before it is looked at.
constexpr int64_t kScanMs = 500;

bool is_worker_socket(const std::filesystem::path& path) {
  std::string name = path.filename().string();
  return name.starts_with("worker-") && name.ends_with(".sock");
}

// 0: it is not there.
ino_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

bool is_incompatible(const std::map<std::string, ino_t>& known, const std::string& path) {
  const auto one = known.find(path);
  return one != known.end() && one->second == inode_of(path);
}

}  // namespace

WorkerLinks::WorkerLinks(Loop& loop, std::string runtime_dir, OnMessage on_message, OnLost on_lost)
    : loop_(loop),
      runtime_dir_(std::move(runtime_dir)),
      on_message_(std::move(on_message)),
      on_lost_(std::move(on_lost)) {}

Result<std::unique_ptr<WorkerLinks>> WorkerLinks::watch(Loop& loop, const std::string& runtime_dir,
                                                        OnMessage on_message, OnLost on_lost) {
  std::unique_ptr<WorkerLinks> out(
      new WorkerLinks(loop, runtime_dir, std::move(on_message), std::move(on_lost)));
  out->inotify_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!out->inotify_) return errno_error("inotify_init1");
  if (::inotify_add_watch(out->inotify_.get(), runtime_dir.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
    return errno_error("runtime directory " + runtime_dir);
  loop.watch(out->inotify_.get(), EPOLLIN, [links = out.get()](uint32_t) { links->on_directory_changed(); });
  out->scan_timer_ = loop.every_ms(kScanMs, [links = out.get()] { links->scan(); });
  out->scan();
  return out;
}

WorkerLinks::~WorkerLinks() {
  if (inotify_) loop_.unwatch(inotify_.get());
  loop_.cancel(scan_timer_);
}

void WorkerLinks::on_directory_changed() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  scan();
}

void WorkerLinks::scan() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(runtime_dir_, error)) {
    std::string path = entry.path().string();
    if (is_worker_socket(entry.path()) && links_.count(path) == 0 && !is_incompatible(incompatible_, path))
      connect(path);
  }
}

void WorkerLinks::connect(const std::string& path) {
  auto channel = wire::Channel::connect(loop_, path);
  if (!channel) return;  // a name without a process; the next scan looks again
  WorkerLink& link = links_[path];
  link.path = path;
  link.channel = *std::move(channel);
  link.channel->start(
      [this, &link](wire::Message message, std::vector<UniqueFd>) {
        if (auto* state = std::get_if<wire::WorkerState>(&message)) {
          link.state = *state;
          link.known = true;
        }
        on_message_(link, message);
      },
      [this, path] { on_closed(path); });
  link.channel->send(wire::Hello{"gate"});
}

void WorkerLinks::on_closed(const std::string& path) {
  auto found = links_.find(path);
  const wire::Channel& channel = *found->second.channel;
  if (channel.incompatible()) {
    const auto version = channel.peer_version();
    tools::log_warning(path + " speaks another protocol" +
                       (version ? " (" + wire::text_of(*version) + ")" : std::string()) +
                       ": no session is handed to it");
    incompatible_[path] = inode_of(path);
  }
  on_lost_(found->second);
  links_.erase(found);
}

WorkerLink* WorkerLinks::find(const std::string& path) {
  auto found = links_.find(path);
  return found == links_.end() ? nullptr : &found->second;
}

}  // namespace headgate::gate
