// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/io.h>
#include <common/socket_watch.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#include <array>
#include <cstddef>
#include <filesystem>

namespace headgate::tools {
namespace {

bool is_socket_name(const std::string& name) {
  constexpr std::string_view kEnd = ".sock";
  return name.size() > kEnd.size() && name.compare(name.size() - kEnd.size(), kEnd.size(), kEnd) == 0;
}

}  // namespace

Result<std::unique_ptr<SocketWatch>> SocketWatch::open(Loop& loop, const std::string& directory,
                                                       OnName on_name) {
  UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return errno_error("inotify_init1");
  if (::inotify_add_watch(inotify.get(), directory.c_str(), IN_MOVED_TO) < 0)
    return errno_error("watch " + directory);
  return std::unique_ptr<SocketWatch>(
      new SocketWatch(loop, directory, std::move(on_name), std::move(inotify)));
}

SocketWatch::SocketWatch(Loop& loop, std::string directory, OnName on_name, UniqueFd inotify)
    : loop_(loop),
      directory_(std::move(directory)),
      on_name_(std::move(on_name)),
      inotify_(std::move(inotify)) {}

SocketWatch::~SocketWatch() {
  loop_.unwatch(inotify_.get());
}

void SocketWatch::start() {
  loop_.watch(inotify_.get(), EPOLLIN, [this](uint32_t) { read_events(); });
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (std::string name = entry.path().filename().string(); is_socket_name(name)) on_name_(name);
}

void SocketWatch::read_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  ssize_t size = 0;
  while ((size = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0) {
    for (ssize_t at = 0; at < size;) {
      auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      if (event->len > 0 && is_socket_name(event->name)) on_name_(event->name);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
}

}  // namespace headgate::tools
