// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor.h"

#include <base/clock.h>
#include <base/io.h>
#include <common/log.h>
#include <common/siblings.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <functional>
#include <utility>

#include "notify.h"

namespace headgate::serve {
namespace {

constexpr char kSocketEnd[] = ".sock";
constexpr std::string_view kWorkerFront = "worker-";
constexpr int kMaxWorkerNumber = 9999;

std::string socket_name(const std::string& role, int number) {
  return (number < 0 ? role : role + "-" + std::to_string(number)) + kSocketEnd;
}

// "worker-12.sock" -> 12; -1: not a worker's.
int worker_number(const std::string& name) {
  if (name.rfind(kWorkerFront, 0) != 0) return -1;
  int number = -1;
  auto [end, error] = std::from_chars(name.data() + kWorkerFront.size(), name.data() + name.size(), number);
  bool whole = error == std::errc() && std::string_view(end) == kSocketEnd;
  return whole && number >= 0 && number <= kMaxWorkerNumber ? number : -1;
}

// Whole or not at all, but nothing waits for the disk: it means nothing after a power cut.
Result<void> write_node_file(const std::string& path, const std::string& text) {
  std::string fresh = path + ".tmp";
  auto fd = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0640);
  if (!fd) return Unexpected(fd.error());
  if (auto written = write_all(fd->get(), as_bytes(text)); !written) return written;
  if (::rename(fresh.c_str(), path.c_str()) != 0) return errno_error("rename " + fresh);
  return {};
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Config config)
    : loop_(loop),
      config_(std::move(config)),
      descriptions_(config_.pipelines, config_.runtime_dir),
      room_(config_.capacity),
      since_utc_us_(system_clock().utc_us()) {}

Supervisor::~Supervisor() {
  loop_.cancel(adopt_timer_);
  loop_.cancel(stop_timer_);
  loop_.cancel(recover_timer_);
  loop_.cancel(look_timer_);
  loop_.cancel(watchdog_timer_);
}

Result<void> Supervisor::lock() {
  std::string path = config_.runtime_dir + "/supervisor.lock";
  auto fd = open_file(path, O_RDWR | O_CREAT, 0600);
  if (!fd) return Unexpected(fd.error());
  if (::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("lock " + path);
    return Unexpected("another `headgate serve` runs on " + config_.data + " (it holds " + path + ")");
  }
  lock_ = *std::move(fd);
  return {};
}

Result<void> Supervisor::start() {
  if (auto made = make_directories(config_.data); !made) return made;
  if (auto made = make_directories(config_.runtime_dir, 0700); !made) return made;
  if (auto locked = lock(); !locked) return locked;
  if (const int64_t interval_ms = watchdog_interval_ms(); interval_ms > 0)
    watchdog_timer_ = loop_.every_ms(interval_ms, [] { notify_systemd("WATCHDOG=1"); });
  if (config_.issuer_secret)
    tools::log_warning("an issuer's secret key lies in " + config_.keys +
                       ": who breaks into this node can make tickets. Give it only the folder's node/");
  auto watch = tools::SocketWatch::open(loop_, config_.runtime_dir,
                                        [this](const std::string& name) { on_name(name); });
  if (!watch) return Unexpected(watch.error());
  watch_ = *std::move(watch);
  watch_->start();  // takes over what is running
  for (const char* role : {"gate", "origin"}) {
    if (place(role).send(wire::GetListeners{})) ++waiting_listeners_;
  }
  if (waiting_listeners_ == 0) {
    open_and_check();
  } else {
    adopt_timer_ = loop_.after_ms(kAdoptMs, [this] {
      waiting_listeners_ = 0;
      open_and_check();
    });
  }
  return {};
}

void Supervisor::on_name(const std::string& name) {
  auto known = children_.find(name);
  if (known != children_.end()) return known->second->socket_appeared();
  int number = worker_number(name);
  if (number < 0 && name != socket_name("gate", -1) && name != socket_name("origin", -1)) return;
  // A dead worker's socket makes no place: there may have been more of them once.
  if (!wire::Channel::connect(loop_, config_.runtime_dir + "/" + name)) return;
  place(number < 0 ? name.substr(0, name.find('.')) : "worker", number).socket_appeared();
}

Child& Supervisor::place(const std::string& role, int number) {
  std::string name = socket_name(role, number);
  auto& slot = children_[name];
  if (!slot) {
    Child::Place place{role, number, config_.runtime_dir + "/" + name,
                       [this, role, number] { return program_of(role, number); }};
    Child::Events events{[this](Child& child) { on_changed(child); },
                         [this](Child& child) { on_died(child); },
                         [this](Child& child, const wire::Message& message, std::vector<UniqueFd> fds) {
                           on_message(child, message, std::move(fds));
                         }};
    slot = std::make_unique<Child>(loop_, std::move(place), std::move(events));
  }
  return *slot;
}

void Supervisor::take_listeners(const std::vector<std::string>& names, std::vector<UniqueFd> fds) {
  for (size_t i = 0; i < std::min(names.size(), fds.size()); ++i)
    listeners_.take(names[i], std::move(fds[i]));
  if (waiting_listeners_ == 0 || --waiting_listeners_ > 0) return;
  loop_.cancel(std::exchange(adopt_timer_, 0));
  open_and_check();
}

void Supervisor::open_and_check() {
  for (auto& [name, address] :
       {std::pair("rtmp", config_.rtmp), std::pair("rtmps", config_.rtmps), std::pair("http", config_.http)})
    if (auto opened = listeners_.open_missing(name, address); !opened) return fail(opened.error().message);
  if (auto opened = listeners_.open_missing("srt", config_.srt, NodeListeners::Kind::kUdp); !opened)
    return fail(opened.error().message);
  if (place("gate").running()) return check_workers();
  // Certificate and lists are refused here rather than by one gate after the other.
  Program check = program_of("gate", -1);
  check.arguments.push_back("--check");
  run_task(std::move(check), [this](int code) {
    if (code != 0) return fail("the gate's settings were refused (the reason is above)");
    check_workers();
  });
}

void Supervisor::check_workers() {
  bool has_worker = std::any_of(children_.begin(), children_.end(), [](auto& one) {
    return one.second->place().number >= 0 && one.second->running();
  });
  // Those that run have read what is in use; what has changed since is looked at like any other change.
  if (has_worker && descriptions_.any()) return start_children();
  descriptions_.changed();
  check_descriptions([this](bool good) {
    if (!good) return fail("the workers' settings were refused (the reason is above)");
    start_children();
  });
}

void Supervisor::check_descriptions(std::function<void(bool good)> done) {
  auto copy = descriptions_.copy();
  if (!copy) {
    refused_ = copy.error().message;
    tools::log_error(refused_);
    return done(false);
  }
  Program check = program_of("worker", 0);
  for (const std::string& word : {std::string("--pipelines"), *copy, std::string("--told-as"),
                                  descriptions_.source(), std::string("--check")})
    check.arguments.push_back(word);
  checking_ = true;
  auto reason = std::make_shared<std::string>();
  run_task(
      std::move(check),
      [this, reason, done, folder = *copy](int code) {
        checking_ = false;
        refused_ = code == 0         ? ""
                   : reason->empty() ? "the check ended with " + std::to_string(code)
                                     : *reason;
        if (auto used = code == 0 ? descriptions_.use(folder) : Result<void>(); !used)
          refused_ = used.error().message;
        if (!refused_.empty()) descriptions_.drop(folder);
        done(refused_.empty());
      },
      [reason](const std::string& line) {
        if (reason->size() + line.size() < kMaxReasonBytes) *reason += (reason->empty() ? "" : "\n") + line;
      });
}

void Supervisor::look_at_descriptions() {
  if (checking_ || stopping_ || !descriptions_.changed()) return;
  check_descriptions([this](bool good) {
    if (stopping_) return;
    if (good) {
      tools::log_notice("new pipeline descriptions, for sessions that begin from now on");
      for (auto& [name, child] : children_)
        if (child->place().number >= 0) child->hang_up();
    } else {
      tools::log_error("the pipeline descriptions are wrong, those before stay in use: " + refused_);
    }
    announce();
  });
}

void Supervisor::recover() {
  // A new node has nothing to recover.
  if (!recovering_ && !std::filesystem::exists(config_.data + "/lta")) return;
  if (recovering_ || recover_timer_ != 0) {
    recover_again_ = true;
    return;
  }
  recovering_ = true;
  stations_done_ = stations_all_ = 0;
  Program program =
      helper_program("headgate", {"archive", "recover", "--progress", "--node", config_.node, config_.data});
  program.background = true;
  run_task(
      std::move(program), [this](int code) { on_recovered(code); },
      [this](const std::string& line) {
        uint64_t done = 0, all = 0;
        auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), done);
        if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return;
        if (std::from_chars(end + 1, line.data() + line.size(), all).ec != std::errc()) return;
        stations_done_ = done;
        stations_all_ = all;
        announce();
      });
  announce();
}

void Supervisor::on_recovered(int code) {
  recovering_ = false;
  recovery_code_ = code;
  if (code != 0) tools::log_error("the archive's recovery ended with " + std::to_string(code));
  recover_timer_ = loop_.after_ms(kRecoverPauseMs, [this] {
    recover_timer_ = 0;
    if (std::exchange(recover_again_, false)) recover();
  });
  announce();
}

void Supervisor::run_task(Program program, std::function<void(int)> done, Task::OnLine on_line) {
  int id = ++last_task_;
  auto task = Task::run(
      loop_, std::move(program),
      [this, id, done](int code) {
        auto finished = tasks_.extract(id);  // lives until the end of this call
        done(code);
      },
      std::move(on_line));
  if (task) {
    tasks_[id] = *std::move(task);
  } else {
    tools::log_error(task.error().message);
    loop_.post([done] { done(-1); });
  }
}

void Supervisor::reload() {
  if (ready_) notify_systemd(reloading_state());
  tools::log_notice("certificate, address list and pipeline descriptions are looked at again");
  place("gate").hang_up();
  if (running_) look_at_descriptions();
  if (ready_) notify_systemd("READY=1");
}

void Supervisor::start_children() {
  if (stopping_) return;
  running_ = true;
  announce();  // the origin reads it when it starts
  place("origin").start();
  place("gate").start();
  for (int number = 0; number < config_.workers; ++number) place("worker", number).start();
  recover();
  look_timer_ = loop_.every_ms(kLookMs, [this] { look_at_descriptions(); });
  report_ready();
}

void Supervisor::fail(const std::string& reason) {
  tools::log_error(reason);
  exit_code_ = 1;
  loop_.post([this] { loop_.stop(); });  // also when the loop does not run yet
}

void Supervisor::on_changed(Child& child) {
  if (!child.running()) loads_.erase(child.name());
  if (!stopping_) {
    if (child.stopping() && !child.running())  // a worker too many; not from within its own call
      loop_.post([this, name = socket_name(child.place().role, child.place().number)] {
        children_.erase(name);
        announce();
      });
    announce();
    return report_ready();
  }
  if (!any_running(false)) stop_origin();
  if (!any_running(true)) loop_.stop();
}

void Supervisor::on_died(Child& child) {
  if (child.place().number < 0) return;
  recover();
}

void Supervisor::on_message(Child& child, const wire::Message& message, std::vector<UniqueFd> fds) {
  if (auto* listeners = std::get_if<wire::Listeners>(&message)) {
    take_listeners(listeners->names, std::move(fds));
  } else if (auto* state = std::get_if<wire::WorkerState>(&message)) {
    const int64_t now_ms = system_clock().mono_us() / 1000;
    auto [load, first] = loads_.try_emplace(child.name());
    Load& of = load->second;
    if (!first) room_.came(int64_t{state->sessions} - of.sessions, now_ms);  // what it came with is not new
    of.sessions = state->sessions;
    of.capacity = state->capacity;
    of.accepting = state->accepting;
    if (state->reason != wire::kDraining)
      of.drained_ms = 0;
    else if (of.drained_ms == 0)
      of.drained_ms = now_ms;
    keep_room();
  } else if (std::holds_alternative<wire::Status>(message)) {
    keep_room();  // time has passed
  }
}

void Supervisor::keep_room() {
  if (!running_ || stopping_) return;
  int64_t free_places = 0, workers = 0, starting = 0, failing = 0;
  int next = 0;
  bool can_help = false;
  for (auto& [name, child] : children_) {
    int number = child->place().number;
    if (number < 0) continue;
    next = std::max(next, number + 1);
    if (child->stopping()) continue;
    ++workers;
    auto load = loads_.find(child->name());
    if (load == loads_.end()) {
      ++(child->running() ? starting : failing);
    } else if (load->second.accepting) {
      can_help = true;
      free_places += std::max<int64_t>(0, int64_t{load->second.capacity} - load->second.sessions);
    }
  }
  if (!can_help) return;  // what keeps these from accepting would keep others
  int64_t more = room_.to_start(free_places, starting, failing, system_clock().mono_us() / 1000);
  for (more = std::min(more, config_.max_workers - workers); more > 0; --more) {
    tools::log_notice("the workers fill: one more", {{"WORKER", next}});
    place("worker", next++).start();
  }
  drain_spare(room_.to_end(free_places, system_clock().mono_us() / 1000));
  end_drained();
}

// The last ones that have nothing: the gate fills the first ones. Who is being handed over to one meanwhile
// may still come (worker's kOnItsWayMs), and then it runs until that session has ended.
void Supervisor::drain_spare(int64_t workers) {
  std::map<int, Child*, std::greater<>> idle;  // by number, the highest first
  for (auto& [name, child] : children_) {
    auto load = loads_.find(child->name());
    if (load == loads_.end() || child->place().number < config_.workers) continue;
    if (load->second.accepting && load->second.sessions == 0) idle[child->place().number] = child.get();
  }
  for (auto& [number, child] : idle) {
    if (workers-- <= 0) return;
    if (!child->send(wire::Drain{})) continue;
    tools::log_notice("too many workers are free: one less", {{"WORKER", number}});
  }
}

void Supervisor::end_drained() {
  const int64_t now_ms = system_clock().mono_us() / 1000;
  for (auto& [name, child] : children_) {
    auto load = loads_.find(child->name());
    if (load == loads_.end() || child->stopping()) continue;
    const Load& of = load->second;
    if (of.drained_ms > 0 && of.sessions == 0 && now_ms - of.drained_ms >= kDrainedMs) child->stop();
  }
}

void Supervisor::announce() {
  if (!running_) return;  // the sockets are not all there yet
  std::string json = node_json();
  auto origin = children_.find(socket_name("origin", -1));
  if (origin != children_.end())
    origin->second->send(wire::Status{"supervisor", static_cast<uint32_t>(::getpid()), json});
  if (auto written = write_node_file(config_.runtime_dir + "/node.json", json + "\n"); !written)
    tools::log_warning(written.error().message);
}

void Supervisor::report_ready() {
  if (ready_ || !running_) return;
  bool worker = std::any_of(children_.begin(), children_.end(),
                            [](auto& one) { return one.second->place().number >= 0 && one.second->ready(); });
  if (!worker || !place("gate").ready() || !place("origin").ready()) return;
  ready_ = true;
  std::string line = "ready rtmp=" + listeners_.address("rtmp") + " http=" + listeners_.address("http");
  if (const std::string rtmps = listeners_.address("rtmps"); !rtmps.empty()) line += " rtmps=" + rtmps;
  if (const std::string srt = listeners_.address("srt"); !srt.empty()) line += " srt=" + srt;
  tools::log_notice(line);
  line += '\n';
  if (auto written = write_all(STDOUT_FILENO, as_bytes(line)); !written)
    tools::log_info("standard output takes nothing: " + written.error().message);
  if (config_.ready_fd >= 0) {
    UniqueFd fd(static_cast<int>(config_.ready_fd));
    if (auto written = write_all(fd.get(), as_bytes(line)); !written)
      tools::log_warning("--ready-fd: " + written.error().message);
  }
  notify_systemd("READY=1");
}

void Supervisor::stop() {
  if (std::exchange(stopping_, true)) return;
  tools::log_notice("stopping");
  notify_systemd("STOPPING=1");
  ::unlink((config_.runtime_dir + "/node.json").c_str());
  tasks_.clear();
  watch_.reset();
  loop_.cancel(adopt_timer_);
  loop_.cancel(recover_timer_);
  loop_.cancel(look_timer_);
  for (auto& [name, child] : children_)
    if (child->place().role != "origin") child->stop();
  stop_timer_ = loop_.after_ms(kWorkersStopMs, [this] {
    for (auto& [name, child] : children_)
      if (child->place().role != "origin") child->kill();
  });
  if (!any_running(false)) stop_origin();
  if (!any_running(true)) loop_.stop();
}

// Viewers get the last segments and the playlists' end while the sessions are closed.
void Supervisor::stop_origin() {
  if (std::exchange(origin_stopping_, true)) return;
  place("origin").stop();
  loop_.cancel(stop_timer_);
  stop_timer_ = loop_.after_ms(kOthersStopMs, [this] { place("origin").kill(); });
}

bool Supervisor::any_running(bool origin) const {
  return std::any_of(children_.begin(), children_.end(), [&](auto& one) {
    return one.second->running() && (origin || one.second->place().role != "origin");
  });
}

}  // namespace headgate::serve
