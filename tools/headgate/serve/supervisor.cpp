// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor.h"

#include <base/clock.h>
#include <base/io.h>
#include <common/log.h>
#include <common/siblings.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <utility>

#include "node_file.h"
#include "notify.h"

namespace headgate::serve {
namespace {

constexpr char kControl[] = "control";

bool outlasts_sessions(const Child& child) {
  return child.place().role == "origin" || child.place().role == kControl;
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Config config)
    : loop_(loop),
      config_(std::move(config)),
      events_(system_clock(),
              [this](const wire::Message& message) { return children_.place(kControl).send(message); }),
      child_events_(events_, config_.workers),
      draining_(config_.runtime_dir),
      gate_keys_(events_),
      children_(loop_, config_.runtime_dir,
                [this](const std::string& role, int number) {
                  return upgrade_.as_it_runs(role, program_of(role, number));
                },
                {[this](Child& child) { on_changed(child); },
                 [this](Child& child) {
                   child_events_.died(child);
                   policy_.died(child);
                   if (is_worker(child) || !instance_of(child).empty()) recovery_.ask();
                 },
                 [this](Child& child, const wire::Message& message, std::vector<UniqueFd> fds) {
                   on_message(child, message, std::move(fds));
                 },
                 [this](const Child& child, int code, int64_t lived_ms) {
                   return instances_.pause(child, code, lived_ms);
                 }}),
      workers_(children_, {config_.workers, config_.max_workers, config_.capacity}),
      tasks_(loop_),
      descriptions_(
          loop_, tasks_, config_.pipelines, config_.runtime_dir, [this] { return program_of("worker", 0); },
          [this](bool good) { on_descriptions(good); }),
      recovery_(
          loop_, tasks_, config_.data,
          [this] {
            return helper_program(
                "headgate", {{"archive", "recover", "--progress", "--node", config_.node, config_.data}, {}});
          },
          [this] { on_recovery(); }),
      reports_(looks_),
      policy_(loop_, system_clock(), looks_, children_, workers_, events_, config_.data, config_.runtime_dir,
              {config_.capacity_limits, config_.worker_limits, config_.grace_s * 1000},
              [this] { announce(); }),
      instances_(loop_, system_clock(), looks_, children_, events_,
                 {config_.instances, config_.data, config_.node, config_.runtime_dir, config_.event,
                  descriptions_.descriptions().in_use()},
                 [this] { announce(); }),
      upgrade_(loop_,
               {config_.runtime_dir,
                [this](const std::string& role, int number) { return program_of(role, number); },
                [this](const Self& self) { return become(self); },
                [this] {
                  notify_systemd(reloading_state());
                  events_.add("upgrade.started", Severity::info,
                              {{kEventText, "the programs on disk are tried"}}, upgrader_);
                },
                [this] { on_upgraded(); }, [this] { return runs(); },
                [this](const std::string& role) {
                  if (role == kControl)
                    children_.place(role).start();
                  else
                    instances_.try_again(role.substr(std::string_view(kInstanceFront).size()));
                },
                [this](Child& child) {
                  if (srt_closed_ && child.place().role == "gate") child.send(wire::Drain{});
                }},
               children_, workers_, tasks_, descriptions_),
      trial_(tasks_, system_clock(), config_, instances_,
             [this](const std::string& role, int number) { return program_of(role, number); }),
      since_utc_us_(system_clock().utc_us()) {
  add_verbs();
}

Supervisor::~Supervisor() {
  loop_.cancel(adopt_timer_);
  loop_.cancel(stop_timer_);
  loop_.cancel(watchdog_timer_);
}

Result<void> Supervisor::lock() {
  if (Heritage heritage = take_heritage(); heritage.any()) {
    succeeds_ = true;
    lock_ = std::move(heritage.lock);
    for (auto& [name, fd] : heritage.listeners) listeners_.take(name, std::move(fd));
    collect_ended_children();
  }
  std::string path = config_.runtime_dir + "/supervisor.lock";
  if (succeeds_) {
    // A trial of another version may not have seen that the settings are another node's.
    struct stat held {
    }, there{};
    if (::fstat(lock_.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
        held.st_dev == there.st_dev && held.st_ino == there.st_ino)
      return {};
    return Unexpected(
        "the settings are of a node at " + config_.runtime_dir +
        ", and another one runs: its processes go on alone. Give them back, or end those first");
  }
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
  draining_.load();
  upgrade_.announce();
  if (const int64_t interval_ms = watchdog_interval_ms(); interval_ms > 0)
    watchdog_timer_ = loop_.every_ms(interval_ms, [] { notify_systemd("WATCHDOG=1"); });
  if (config_.issuer_secret)
    tools::log_warning("an issuer's secret key lies in " + config_.keys +
                       ": who breaks into this node can make tickets. Give it only the folder's node/");
  auto watch = tools::SocketWatch::open(loop_, config_.runtime_dir,
                                        [this](const std::string& name) { children_.on_name(name); });
  if (!watch) return Unexpected(watch.error());
  watch_ = *std::move(watch);
  watch_->start();  // takes over what is running
  upgrade_.adopted();
  for (const char* role : {"gate", "origin", kControl}) {
    Child& child = children_.place(role);
    child.send(wire::GetListeners{});
    if (child.running()) ++waiting_listeners_;  // also one that does not take it: it ends, or is incompatible
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

void Supervisor::take_listeners(const std::vector<std::string>& names, std::vector<UniqueFd> fds) {
  for (size_t i = 0; i < std::min(names.size(), fds.size()); ++i)
    listeners_.take(names[i], std::move(fds[i]));
  on_listeners_settled();
}

void Supervisor::on_listeners_settled() {
  if (waiting_listeners_ == 0 || --waiting_listeners_ > 0) return;
  loop_.cancel(std::exchange(adopt_timer_, 0));
  open_and_check();
}

void Supervisor::open_and_check() {
  if (auto opened = open_listeners(); !opened) return fail(opened.error().message);
  if (children_.place(kControl).running()) return check_gate();
  Program check = program_of(kControl, -1);
  check.arguments.push_back("--check");
  tasks_.run(
      std::move(check),
      [this](int code) {
        const std::string text = "control's settings were refused (the reason is above)";
        if (code != 0 && !children_.any([](const Child& one) { return one.running(); })) return fail(text);
        if (code != 0) {  // streams that run do not wait for them
          tools::log_error(text + "; the node goes on without it");
          events_.add("control.refused", Severity::error, {{kEventText, text}});
        }
        check_gate();
      },
      {}, kCheckMs);
}

void Supervisor::check_gate() {
  if (children_.place("gate").running()) return check_workers();
  // Certificate and lists are refused here rather than by one gate after the other.
  Program check = program_of("gate", -1);
  check.arguments.push_back("--check");
  tasks_.run(
      std::move(check),
      [this](int code) {
        if (code != 0) return fail("the gate's settings were refused (the reason is above)");
        check_workers();
      },
      {}, kCheckMs);
}

void Supervisor::check_workers() {
  const bool has_worker = children_.any([](const Child& one) { return is_worker(one) && one.running(); });
  // Those that run have read what is in use; what has changed since is looked at like any other change.
  if (has_worker && descriptions_.descriptions().any()) return start_children();
  descriptions_.check_first([this](bool good) {
    if (!good) return fail("the workers' settings were refused (the reason is above)");
    start_children();
  });
}

// Who reads files that change while the node runs: certificate, lists, keys; tokens, the webhooks' secret.
void Supervisor::hang_up_readers() {
  children_.each_gate([](Child& gate) { gate.hang_up(); });
  children_.place(kControl).hang_up();
}

void Supervisor::reload(const tools::Actor& actor) {
  if (ready_) notify_systemd(reloading_state());
  const std::string text = "keys, certificate, lists, tokens and pipeline descriptions are looked at again";
  tools::log_notice(text, {{"BY", actor.by}, {"FROM", actor.from}});
  events_.add("node.reload", Severity::info, {{kEventText, text}}, actor);
  hang_up_readers();
  if (running_) descriptions_.look();
  instances_.look(true);
  reloading_ = ready_ && descriptions_.looking();
  if (ready_ && !reloading_) notify_systemd("READY=1");
}

bool Supervisor::upgrade(const tools::Actor& actor) {
  hang_up_readers();
  const tools::Actor before = std::exchange(upgrader_, actor);
  if (upgrade_.request()) return true;
  upgrader_ = before;
  return false;
}

void Supervisor::on_upgraded() {
  const UpgradeReport& report = upgrade_.report();
  if (report.state == UpgradeReport::State::done) {
    events_.add("upgrade.done", Severity::info,
                {{kEventText, "the node runs the programs on disk"}, {"version", report.version}});
  } else {
    events_.add("upgrade.failed", Severity::error,
                {{kEventText, "the programs on disk were not taken, those before go on"},
                 {"state", name_of(report.state)},
                 {"reason", report.reason}});
  }
  announce();
  notify_systemd("READY=1");
}

Result<void> Supervisor::become(const Self& self) {
  tools::log_notice("becoming the program on disk", {{"PROGRAM", self.program.path}});
  auto ended = tasks_.end_all();                                     // what they did is begun again
  auto became = serve::become(self, lock_.get(), listeners_.all());  // or this is another program now
  loop_.post([ended = std::move(ended)] {
    for (const auto& done : ended) done(kWasEnded);
  });
  return became;
}

void Supervisor::check() {
  trial_.run([this](int code) {
    exit_code_ = code;
    loop_.post([this] { loop_.stop(); });
  });
}

void Supervisor::start_children() {
  if (stopping_) return;
  running_ = true;
  events_.add("node.started", Severity::info,
              {{kEventText, "the supervisor has begun"}, {"version", HEADGATE_VERSION}, {"pid", ::getpid()}});
  announce();  // the origin reads it when it starts
  children_.place(kControl).start();
  children_.place("origin").start();
  children_.place("gate").start();
  workers_.start();
  recovery_.ask();
  policy_.start();
  instances_.start();
  descriptions_.watch();
  report_ready();
}

void Supervisor::fail(const std::string& reason) {
  tools::log_error(reason);
  exit_code_ = 1;
  loop_.post([this] { loop_.stop(); });  // also when the loop does not run yet
}

void Supervisor::on_changed(Child& child) {
  if (!child.running()) workers_.ended(child);
  if (!stopping_) {
    child_events_.changed(child);
    if (child.running()) instances_.note();
    // One that an earlier supervisor has started may not know.
    if (child.place().role == "gate" && child.ready() && draining_.on()) child.send(wire::Drain{});
    if (child.place().role == kControl && child.ready()) events_.tell_all();
    if (child.incompatible() && child.running() && !child.stopping()) return set_apart(child);
    if (child.stopping() && !child.running())  // not from within its own call
      loop_.post([this, name = socket_name_of(child)] { on_ended(name); });
    policy_.changed(child);
    upgrade_.changed(child);
    announce();
    return report_ready();
  }
  if (!any_running(false)) stop_others();
  if (!any_running(true)) loop_.stop();
}

// A worker too many; one that has retired; one that could not be talked to.
void Supervisor::on_ended(const std::string& name) {
  const Child* gone = children_.find(name);
  if (gone && gone->stopping() && !gone->running()) {
    const bool empty =
        gone->incompatible() && !is_worker(*gone) && !Children::is_aside(*gone) && instance_of(*gone).empty();
    const std::string role = gone->place().role;
    children_.forget(name);
    if (empty && running_ && !stopping_)
      children_.place(role).start();
    else if (empty)
      on_listeners_settled();
  }
  instances_.keep();
  announce();
}

// A process of a version that this one cannot talk to. Its work goes on: what it has, it ends with. The
// sockets that only it has can be had when it has ended.
void Supervisor::set_apart(Child& child) {
  events_.add("process.incompatible", Severity::warning,
              {{kEventText, child.name() + " speaks protocol " + child.protocol() + ", this node " +
                                wire::text_of(wire::kVersion) + ": it ends with what it has"},
               {"process", child.name()},
               {"pid", child.pid()},
               {"protocol", child.protocol()}});
  if (is_worker(child) || Children::is_aside(child)) {
    if (ready_) let_go(child);  // otherwise others are to serve first
    workers_.keep();
  } else if (!instance_of(child).empty()) {
    child.stop();  // another one is started when it has gone
  } else if (child.place().role == kControl || !succeeds_ || !children_.set_aside(child.place().role)) {
    child.stop();
    if (adopt_timer_ != 0) {
      loop_.cancel(adopt_timer_);
      adopt_timer_ = loop_.after_ms(kApartMs, [this] {
        waiting_listeners_ = 0;
        open_and_check();
      });
    }
  } else {
    if (running_) children_.place(child.place().role).start();
    on_listeners_settled();
  }
  announce();
}

void Supervisor::let_go(Child& child) {
  child.retire();
  upgrade_.retires(child);
}

void Supervisor::on_operate(const wire::Operate& request) {
  auto answer = [this](const wire::Message& message) { children_.place(kControl).send(message); };
  if (!stopping_) return operations_.carry_out(request, answer);
  answer(wire::Operated{request.id, 503, refusal("the node is being stopped", "start it again")});
}

void Supervisor::on_descriptions(bool good) {
  if (good) {
    events_.add("pipeline.taken", Severity::info,
                {{kEventText, "new pipeline descriptions, for sessions that begin from now on"}});
    take_resources(descriptions_.descriptions().in_use(), config_.pipeline, config_.worker_limits);
    policy_.limit(config_.worker_limits);
    children_.each_worker([](Child& child) { child.hang_up(); });
    instances_.look(true);
  } else {
    events_.add("pipeline.refused", Severity::error,
                {{kEventText, "the pipeline descriptions are wrong, those before stay in use"},
                 {"folder", descriptions_.descriptions().source()},
                 {"reason", descriptions_.refused()}});
  }
  if (std::exchange(reloading_, false)) notify_systemd("READY=1");
  announce();
}

void Supervisor::on_recovery() {
  announce();
  if (recovery_.running() == recovering_) return;
  recovering_ = recovery_.running();
  if (recovering_)
    events_.add("recovery.started", Severity::info, {{kEventText, "the archive is looked through"}});
  else if (recovery_.code() == 0)
    events_.add("recovery.done", Severity::info, {{kEventText, "the archive was looked through"}});
  else
    events_.add("recovery.failed", Severity::error,
                {{kEventText, "the archive's recovery failed: the log names what is damaged"},
                 {"code", recovery_.code()}});
}

void Supervisor::on_message(Child& child, const wire::Message& message, std::vector<UniqueFd> fds) {
  if (auto* status = std::get_if<wire::Status>(&message); status && !child.retiring()) {
    report(child, *status);
    if (child.place().role == "gate" && !Children::is_aside(child) && gate_keys_.told(*status)) announce();
  }
  policy_.told(child, message, fds);
  instances_.told(child, message);
  if (auto* request = std::get_if<wire::Operate>(&message); request && child.place().role == kControl)
    on_operate(*request);
  else if (auto* listeners = std::get_if<wire::Listeners>(&message))
    take_listeners(listeners->names, std::move(fds));
  else if (stopping_)
    return;
  else if (auto* state = std::get_if<wire::WorkerState>(&message))
    workers_.told(child, *state), tell_drained();
  else if (std::holds_alternative<wire::Status>(message))
    workers_.keep();  // time has passed
}

// headgate-control tells all of them to whoever asks.
void Supervisor::report(const Child& child, const wire::Status& status) {
  const int64_t now_ms = system_clock().mono_us() / 1000;
  Child& control = children_.place(kControl);
  control.send(reports_.of(child.name(), status, now_ms));
  if (&child == &control) control.send(reports_.own(now_ms));
}

void Supervisor::announce() {
  if (!running_) return;  // the sockets are not all there yet
  std::string json = node_json();
  for (const char* role : {"origin", kControl})
    children_.place(role).send(wire::Status{"supervisor", static_cast<uint32_t>(::getpid()), json});
  if (auto written = write_node_file(config_.runtime_dir + "/node.json", json + "\n"); !written)
    tools::log_warning(written.error().message);
}

void Supervisor::report_ready() {
  if (ready_ || !running_) return;
  const bool worker = children_.any([](const Child& one) { return is_worker(one) && one.ready(); });
  if (!worker || !children_.place("gate").ready() || !children_.place("origin").ready()) return;
  // Streams do not wait for a control that cannot start.
  const Child& control = children_.place(kControl);
  if (!control.ready() && control.restarts() == 0) return;
  ready_ = true;
  events_.add("node.ready", Severity::info,
              {{kEventText, "the node lets publishers in and serves viewers"},
               {"rtmp", listeners_.address("rtmp")},
               {"http", listeners_.address("http")}});
  std::string line = "ready rtmp=" + listeners_.address("rtmp") + " http=" + listeners_.address("http");
  if (const std::string rtmps = listeners_.address("rtmps"); !rtmps.empty()) line += " rtmps=" + rtmps;
  if (const std::string srt = listeners_.address("srt"); !srt.empty()) line += " srt=" + srt;
  tools::log_notice(line);
  line += '\n';
  if (auto written = write_all(STDOUT_FILENO, as_bytes(line)); !written)
    tools::log_info("standard output takes nothing: " + written.error().message);
  if (config_.ready_fd >= 0 && !succeeds_) {
    UniqueFd fd(static_cast<int>(config_.ready_fd));
    if (auto written = write_all(fd.get(), as_bytes(line)); !written)
      tools::log_warning("--ready-fd: " + written.error().message);
  }
  notify_systemd("READY=1");
  upgrade_.go_on();
  children_.each([this](Child& one) {
    if (one.incompatible() && one.running() && !one.stopping()) let_go(one);
  });
}

void Supervisor::stop(const tools::Actor& actor) {
  if (std::exchange(stopping_, true)) return;
  tools::log_notice("stopping", {{"BY", actor.by}, {"FROM", actor.from}});
  events_.add("node.stopping", Severity::info, {{kEventText, "the node was told to end"}}, actor);
  notify_systemd("STOPPING=1");
  ::unlink((config_.runtime_dir + "/node.json").c_str());
  draining_.end();
  tasks_.end_all();
  watch_.reset();
  loop_.cancel(adopt_timer_);
  recovery_.stop();
  policy_.stop();
  instances_.stop();
  descriptions_.stop();
  upgrade_.stop();
  auto first = [this](void (Child::*act)()) {
    children_.each([act](Child& child) {
      if (!outlasts_sessions(child)) (child.*act)();
    });
  };
  first(&Child::stop);
  stop_timer_ = loop_.after_ms(kWorkersStopMs, [first] { first(&Child::kill); });
  if (!any_running(false)) stop_others();
  if (!any_running(true)) loop_.stop();
}

// Viewers get the last segments and the playlists' end while the sessions are closed; control tells of it.
void Supervisor::stop_others() {
  if (std::exchange(others_stopping_, true)) return;
  auto last = [this](void (Child::*act)()) {
    children_.each([act](Child& child) {
      if (outlasts_sessions(child)) (child.*act)();
    });
  };
  last(&Child::stop);
  loop_.cancel(stop_timer_);
  stop_timer_ = loop_.after_ms(kOthersStopMs, [last] { last(&Child::kill); });
}

bool Supervisor::any_running(bool others) const {
  return children_.any(
      [&](const Child& one) { return one.running() && (others || !outlasts_sessions(one)); });
}

}  // namespace headgate::serve
