// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <common/commands.h>
#include <common/options.h>
#include <common/siblings.h>
#include <glib.h>
#include <netdb.h>
#include <pipeline/connections.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

namespace headgate::pipeline {
namespace {

constexpr int64_t kAcceptAgainMs = 200;  // after one that failed: no descriptors, no memory

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

std::string name_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "?";
  const bool v6 = address.ss_family == AF_INET6;
  return (v6 ? "[" + std::string(host) + "]" : host) + ":" + port;
}

// Between fork and exec: only system calls. Who is killed does not leave them behind.
void end_with_parent(gpointer) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

}  // namespace

std::string peer_of(int connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(connection, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "?";
  return name_of(address, size);
}

Connections::Connections(Loop& loop, const Description& description, UniqueFd listener,
                         std::vector<std::string> arguments, std::string input, std::string program,
                         const ConnectionLimits& limits, std::function<void()> done)
    : loop_(loop),
      listener_(std::move(listener)),
      most_(description.listen().most),
      arguments_(std::move(arguments)),
      input_(std::move(input)),
      program_(std::move(program)),
      done_(std::move(done)),
      alarm_after_(description.restart().alarm_after),
      limits_(limits) {
  loop_.watch(listener_.get(), EPOLLIN, [this](uint32_t) { accept(); });
  look_ = loop_.every_ms(kWordMs, [this] { look(); });
}

Connections::~Connections() {
  loop_.cancel(kill_);
  loop_.cancel(later_);
  loop_.cancel(look_);
  if (listener_) loop_.unwatch(listener_.get());
  for (auto& [pidfd, process] : processes_) {
    loop_.unwatch(pidfd);
    if (process.words) loop_.unwatch(process.words.get());
  }
}

void Connections::accept() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  UniqueFd connection(::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC));
  if (connection) {
    const int on = 1;  // a peer that has gone without a word is found out
    ::setsockopt(connection.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    return serve(std::move(connection), name_of(address, size));
  }
  if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
  tell("a connection was not accepted: " + std::string(g_strerror(errno)));
  loop_.rewatch(listener_.get(), 0);  // the socket stays readable
  later_ = loop_.after_ms(kAcceptAgainMs, [this] {
    later_ = 0;
    if (listener_) loop_.rewatch(listener_.get(), EPOLLIN);
  });
}

void Connections::serve(UniqueFd connection, const std::string& peer) {
  auto path = tools::find_program("headgate-pipeline");
  if (!path) return tell(path.error().message);
  std::vector<const char*> argv{path->c_str()};
  for (const std::string& argument : arguments_) argv.push_back(argument.c_str());
  const int64_t place = free_place();
  const std::string place_text = std::to_string(place);
  argv.push_back("--place");
  argv.push_back(place_text.c_str());
  argv.push_back(tools::kArgumentsFrom);
  argv.push_back(tools::kStandardInput);
  argv.push_back(nullptr);
  auto input = tools::input_with(input_);
  if (!input) return tell("connection from " + peer + ": " + input.error().message);
  int words[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, words) != 0)
    return tell("connection from " + peer + ": socketpair: " + g_strerror(errno));
  UniqueFd hears(words[0]), says(words[1]);
  const int from[] = {connection.get(), says.get()}, to[] = {kConnectionFd, kWordFd};
  GPid pid = 0;
  GError* error = nullptr;
  g_spawn_async_with_pipes_and_fds(nullptr, argv.data(), nullptr, G_SPAWN_DO_NOT_REAP_CHILD, end_with_parent,
                                   nullptr, input->get(), -1, -1, from, to, std::size(from), &pid, nullptr,
                                   nullptr, nullptr, &error);
  if (error) {
    tell("connection from " + peer + ": " + error->message);
    g_error_free(error);
    return;
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0u)));
  if (!pidfd) {  // cannot be watched: cannot be ended in order either
    tell("connection from " + peer + ": pidfd_open: " + g_strerror(errno));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return;
  }
  tell("connection from " + peer);
  const int number = pidfd.get();
  loop_.watch(number, EPOLLIN, [this, number](uint32_t) { on_exit(number); });
  Process& process =
      processes_
          .emplace(number, Process{std::move(pidfd), peer, place, std::move(hears),
                                   guard::ProcessWatch(pid, looks_, limits_.process), guard::Silence()})
          .first->second;
  process.silence.expect(limits_.start_ms, now_ms());
  loop_.watch(process.words.get(), EPOLLIN, [this, &process](uint32_t) { on_word(process); });
  if (static_cast<int64_t>(processes_.size()) >= most_) loop_.rewatch(listener_.get(), 0);
}

// Of `most` the first that no process has.
int64_t Connections::free_place() const {
  const auto taken = [this](int64_t place) {
    return std::any_of(processes_.begin(), processes_.end(),
                       [place](const auto& one) { return one.second.place == place; });
  };
  int64_t out = 0;
  while (taken(out)) ++out;
  return out;
}

void Connections::on_exit(int pidfd) {
  auto found = processes_.extract(pidfd);
  const Process& process = found.mapped();
  loop_.unwatch(pidfd);
  if (process.words) loop_.unwatch(process.words.get());
  siginfo_t info{};
  const bool known = ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &info, WEXITED) == 0;
  const bool in_order = known && info.si_code == CLD_EXITED && info.si_status == 0;
  const bool good = in_order && !process.watch.is_ended();  // it has sent what takes too much
  const std::string how = in_order ? "ended"
                          : info.si_code == CLD_EXITED
                              ? "ended with " + std::to_string(info.si_status)
                              : "was killed by signal " + std::to_string(info.si_status);
  tell("connection from " + process.peer + " " + how);
  // Who connects again begins anew: there is nothing to start, only something to tell.
  failed_in_a_row_ = good ? 0 : failed_in_a_row_ + 1;
  if (failed_in_a_row_ == alarm_after_)
    tell("alarm: " + std::to_string(failed_in_a_row_) + " failed connections in a row");
  if (ending_ && processes_.empty()) return loop_.post([this] { done_(); });
  if (listener_ && later_ == 0) loop_.rewatch(listener_.get(), EPOLLIN);
}

void Connections::on_word(Process& process) {
  char bytes[64];
  const ssize_t count = ::recv(process.words.get(), bytes, sizeof bytes, 0);
  if (count > 0) return process.silence.expect(limits_.silent_ms, now_ms());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  loop_.unwatch(process.words.get());  // it says no more; that it ends is told elsewhere
  process.words.reset();
}

void Connections::look() {
  for (auto& [pidfd, process] : processes_) look_at(process, now_ms());
}

void Connections::look_at(Process& process, int64_t now_ms) {
  const auto kill = [&](const std::string& why) {
    if (std::exchange(process.killed, true)) return;
    tell("connection from " + process.peer + " " + why + ": it is killed");
    send(process, SIGKILL);
  };
  if (process.silence.look(now_ms)) return kill("says nothing any more");
  if (process.watch.is_overdue(now_ms)) return kill("does not end");
  const auto excess = process.watch.look(now_ms);
  if (!excess) return;
  tell("connection from " + process.peer + " " + excess->reason + "; it is ended");
  process.watch.ended(now_ms);
  send(process, SIGTERM);
}

void Connections::end() {
  if (std::exchange(ending_, true)) return;
  loop_.unwatch(listener_.get());
  listener_.reset();
  loop_.cancel(std::exchange(later_, 0));
  if (processes_.empty()) return loop_.post([this] { done_(); });
  all(SIGTERM);
  kill_ = loop_.after_ms(guard::kRunEndMs, [this] { all(SIGKILL); });
}

void Connections::all(int signal) const {
  for (const auto& [pidfd, process] : processes_) send(process, signal);
}

void Connections::send(const Process& process, int signal) {
  ::syscall(SYS_pidfd_send_signal, process.fd.get(), signal, nullptr, 0u);
}

std::string Connections::status() const {
  return std::to_string(processes_.size()) + " of " + std::to_string(most_) + " connections";
}

void Connections::tell(const std::string& text) const {
  tools::complain(0, program_.c_str(), text);
}

}  // namespace headgate::pipeline
