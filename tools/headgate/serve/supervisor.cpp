// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor.h"

#include <base/clock.h>
#include <base/io.h>
#include <common/log.h>
#include <common/open_secrets.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "node_file.h"
#include "node_keys.h"
#include "notify.h"
#include "ready.h"
#include "upgrade_events.h"

namespace headgate::serve {
namespace {

constexpr char kControl[] = "control";

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
      succession_(loop_, tasks_, listeners_),
      handover_(loop_, children_, listeners_, [this] { open_and_check(); }),
      descriptions_(
          loop_, tasks_, config_.pipelines, config_.runtime_dir, config_.data,
          [this] { return program_of("worker", 0); },
          [this](bool good) {
            reload_.checked(good);
            announce();
          }),
      start_checks_(tasks_, children_, descriptions_, events_,
                    [this](const std::string& role, int number) { return program_of(role, number); }),
      recovery_(
          loop_, system_clock(), tasks_, events_,
          [this] {
            return helper_program(
                "headgate", {{"archive", "recover", "--progress", "--node", config_.node, config_.data}, {}});
          },
          [this] { announce(); }),
      reports_(looks_),
      policy_(loop_, system_clock(), looks_, children_, workers_, events_, config_.data, config_.runtime_dir,
              {config_.capacity_limits, config_.worker_limits, config_.grace_s * 1000},
              [this] { announce(); }),
      instances_(loop_, system_clock(), looks_, children_, events_,
                 {config_.instances, config_.data, config_.node, config_.runtime_dir, config_.event,
                  descriptions_.descriptions().in_use()},
                 [this] { announce(); }),
      reload_(children_, descriptions_, instances_, events_,
              [this] {
                take_resources(descriptions_.descriptions().in_use(), config_.pipeline,
                               config_.worker_limits);
                policy_.limit(config_.worker_limits);
              }),
      upgrade_(loop_,
               {config_.runtime_dir,
                [this](const std::string& role, int number) { return program_of(role, number); },
                [this](const Self& self) { return succession_.become(self); },
                [this](const tools::Actor& actor) { tell_upgrade_began(events_, actor); },
                [this] {
                  tell_upgrade_ended(events_, upgrade_.report());
                  announce();
                },
                [this] { return runs(); },
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
      ending_(loop_, children_, [this] { loop_.stop(); }),
      since_utc_us_(system_clock().utc_us()) {
  add_verbs();
}

Supervisor::~Supervisor() {
  loop_.cancel(watchdog_timer_);
}

Result<void> Supervisor::start() {
  if (auto made = make_directories(config_.data); !made) return made;
  if (auto made = make_directories(config_.runtime_dir, 0700); !made) return made;
  if (auto taken = succession_.take(config_.runtime_dir, config_.data); !taken) return taken;
  if (!config_.keys_problem.empty())
    tools::log_error("the folder of keys is wrong, a gate that runs goes on with those before: " +
                     config_.keys_problem);
  else if (auto kept = keep_event(config_); !kept)
    tools::log_warning("nobody can take this node over while the folder of keys is wrong: " +
                       kept.error().message);
  draining_.load();
  upgrade_.announce();
  if (const int64_t interval_ms = watchdog_interval_ms(); interval_ms > 0)
    watchdog_timer_ = loop_.every_ms(interval_ms, [] { notify_systemd("WATCHDOG=1"); });
  if (config_.issuer_secret)
    tools::log_warning("an issuer's secret key lies in " + config_.keys +
                       ": who breaks into this node can make tickets. Give it only the folder's node/");
  std::vector<std::string> open = tools::open_files(config_.keys, ".key");
  if (!config_.open_secret.empty()) open.push_back(config_.open_secret);
  for (const std::string& file : open) tools::log_warning(tools::open_secret_text(file));
  auto watch = tools::SocketWatch::open(loop_, config_.runtime_dir,
                                        [this](const std::string& name) { children_.on_name(name); });
  if (!watch) return Unexpected(watch.error());
  watch_ = *std::move(watch);
  watch_->start();  // takes over what is running
  upgrade_.adopted();
  handover_.begin();
  return {};
}

void Supervisor::open_and_check() {
  if (auto opened = open_listeners(); !opened) return fail(opened.error().message);
  if (auto made = listeners_.open_memory(kKeysMemory); !made)
    tools::log_warning("a gate that is started while the folder of keys is wrong has none: " +
                       made.error().message);
  start_checks_.run([this](const std::string& refused) {
    if (!refused.empty()) return fail(refused);
    if (!descriptions_.refused().empty()) reload_.fell_back();
    start_children();
  });
}

void Supervisor::reload(const tools::Actor& actor) {
  reload_.begin(actor, ready_     ? Reload::Node::ready
                       : running_ ? Reload::Node::started
                                  : Reload::Node::starts);
}

bool Supervisor::upgrade(const tools::Actor& actor) {
  hang_up_readers(children_);
  return upgrade_.request(actor);
}

void Supervisor::check() {
  trial_.run([this](int code) {
    exit_code_ = code;
    loop_.post([this] { loop_.stop(); });
  });
}

// Of the one before. Who ends in order leaves nothing that runs.
void Supervisor::tell_death() {
  if (succession_.succeeds()) return;
  size_t left = 0;
  children_.each([&](const Child& child) { left += child.running() && child.adopted(); });
  if (left == 0) return;
  events_.add("supervisor.died", Severity::error,
              {{kEventText, "the supervisor before ended without an end; what it had started goes on"},
               {"processes", left}});
}

void Supervisor::start_children() {
  if (stopping_) return;
  running_ = true;
  tell_death();
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
  ending_.changed();
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
      handover_.settled();
  }
  instances_.keep();
  announce();
}

// A process of a version that this one cannot talk to. Its work goes on: what it has, it ends with. The
// sockets that only it has can be had when it has ended.
void Supervisor::set_apart(Child& child) {
  child_events_.incompatible(child);
  if (is_worker(child) || Children::is_aside(child)) {
    if (ready_) let_go(child);  // otherwise others are to serve first
    workers_.keep();
  } else if (!instance_of(child).empty()) {
    child.stop();  // another one is started when it has gone
  } else if (child.place().role == kControl || !succession_.succeeds() ||
             !children_.set_aside(child.place().role)) {
    child.stop();
    handover_.wait_longer();
  } else {
    if (running_) children_.place(child.place().role).start();
    handover_.settled();
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
    handover_.told(listeners->names, std::move(fds));
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
  tell_ready(events_, listeners_, succession_.succeeds() ? -1 : static_cast<int>(config_.ready_fd));
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
  forget_event(config_);
  draining_.end();
  tasks_.end_all();
  watch_.reset();
  handover_.stop();
  recovery_.stop();
  policy_.stop();
  instances_.stop();
  descriptions_.stop();
  upgrade_.stop();
  ending_.begin();
}

}  // namespace headgate::serve
