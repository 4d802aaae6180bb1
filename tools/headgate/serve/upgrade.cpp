// SPDX-License-Identifier: LGPL-2.1-or-later
#include "upgrade.h"

#include <base/clock.h>
#include <common/log.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "instances.h"
#include "trial.h"

namespace headgate::serve {
namespace {

constexpr char kControl[] = "control";

}  // namespace

Upgrade::Upgrade(Loop& loop, Node node, Children& children, Workers& workers, Tasks& tasks,
                 DescriptionWatch& descriptions)
    : loop_(loop),
      node_(std::move(node)),
      children_(children),
      workers_(workers),
      tasks_(tasks),
      descriptions_(descriptions),
      record_(node_.runtime_dir, children, workers),
      restart_(loop, children, node_.start) {}

Upgrade::~Upgrade() {
  stop();
}

void Upgrade::stop() {
  stopped_ = true;
  loop_.cancel(std::exchange(timer_, 0));
  loop_.cancel(std::exchange(report_timer_, 0));
  restart_.stop();
}

void Upgrade::announce() {
  record_.take_over();
  report_timer_ = loop_.every_ms(kReportMs, [this] { record_.tell(); });
  record_.tell();
}

bool Upgrade::request(const tools::Actor& actor) {
  if (!ready_ || !report().over() || stopped_) {
    tools::log_notice("asked for an upgrade while the node starts or another one is under way");
    return false;
  }
  record_.begin();
  record_.report().trial_s = kTrialMs / 1000;
  record_.report().since_utc_us = system_clock().utc_us();
  record_.tell();
  node_.began(actor);
  Program trial = own_program().program;
  trial.arguments.emplace_back("--check");
  RunningNode runs = node_.runs();
  runs.trial_ms = kTrialMs;
  trial.environment.push_back(variable_of(runs));
  tools::log_notice("upgrade: the programs on disk are tried",
                    {{"PROGRAM", trial.path}, {"AT_MOST_S", report().trial_s}});
  run_check(tasks_, std::move(trial), kTrialMs, [this](const CheckEnd& end) { tried(end); });
  return true;
}

void Upgrade::tried(const CheckEnd& end) {
  if (report().state != State::checking || stopped_) return;
  if (!end.good()) return finish(State::refused, end.reason("headgate serve --check"));
  record_.report().state = State::running;
  record_.tell();  // whoever comes after us goes on here
  if (auto became = node_.become(own_program()); !became) finish(State::failed, became.error().message);
}

void Upgrade::go_on() {
  ready_ = true;
  settle_aside();
  if (report().state != State::running) return;
  record_.report().processes.push_back({"supervisor", ::getpid(), ::getpid(), Process::State::serves, 0});
  children_.each([this](Child& child) {
    if (child.running() && !child.stopping()) record_.note(child, Process::State::kept);
  });
  record_.tell();
  descriptions_.check_first([this](bool good) {
    if (stopped_) return;
    if (!good) return finish(State::failed, "the pipeline descriptions: " + descriptions_.refused());
    children_.each_worker([](Child& child) {
      if (!child.stopping()) child.hang_up();
    });
    roles_.clear();
    children_.each([this](const Child& child) {
      if (!instance_of(child).empty()) roles_.push_back(child.place().role);
    });
    roles_.insert(roles_.end(), {kControl, "worker", "gate", "origin"});
    replace_next();
  });
}

// Of what a supervisor before has left beside its place: who has a successor retires, who has none is back.
void Upgrade::settle_aside() {
  std::vector<Child*> aside;
  children_.each([&](Child& child) {
    if (Children::is_aside(child) && !child.stopping()) aside.push_back(&child);
  });
  for (Child* child : aside) {
    if (children_.place(child->place().role).running())
      child->retire(), record_.note(*child, Process::State::retiring);
    else if (auto back = children_.put_back(*child); !back)
      tools::log_error(back.error().message);
  }
}

// Not from within a call of a child's.
void Upgrade::next_step(void (Upgrade::*step)()) {
  loop_.cancel(std::exchange(timer_, 0));
  timer_ = loop_.after_ms(0, [this, step] {
    timer_ = 0;
    if (!stopped_) (this->*step)();
  });
}

void Upgrade::replace_next() {
  record_.tell();
  if (roles_.empty()) return finish(State::done);
  const std::string role = roles_.back();
  roles_.pop_back();
  if (role == "worker") return replace_workers();
  if (!children_.has(role)) return next_step(&Upgrade::replace_next);
  const Child& present = children_.place(role);
  if (!present.running() || is_as_on_disk(present.pid(), node_.program_of(role, -1)))
    return next_step(&Upgrade::replace_next);
  if (role == "gate" || role == "origin") return replace_only(role);
  restart(role);
}

void Upgrade::replace_only(const std::string& role) {
  auto aside = children_.set_aside(role);
  if (!aside) return finish(State::failed, aside.error().message);
  aside_ = socket_name_of(**aside);
  Child& fresh = children_.place(role);
  fresh_ = socket_name_of(fresh);
  record_.process(fresh) = {role, 0, (*aside)->pid(), Process::State::starting, 0};
  timer_ = loop_.after_ms(kReplaceMs, [this] {
    timer_ = 0;
    fail("does not serve in time");
  });
  fresh.start();
}

void Upgrade::only_serves() {
  Child* aside = children_.find(aside_);
  Child* fresh = children_.find(fresh_);
  if (aside) {
    aside->retire();
    record_.note(*aside, Process::State::retiring);
    node_.replaced(*aside);
  }
  if (fresh)
    record_.process(*fresh).pid = fresh->pid(), record_.process(*fresh).state = Process::State::serves;
  if (fresh) tools::log_notice("upgrade: a new " + fresh->name() + " serves", {{"CHILD_PID", fresh->pid()}});
  aside_.clear();
  fresh_.clear();
  replace_next();
}

void Upgrade::replace_workers() {
  old_workers_.clear();
  children_.each_worker([this](Child& child) {
    if (child.running() && !child.stopping() && !is_own(child) &&
        !is_as_on_disk(child.pid(), node_.program_of("worker", child.place().number)))
      old_workers_.push_back(socket_name_of(child));
  });
  if (old_workers_.empty()) return next_step(&Upgrade::replace_next);
  timer_ = loop_.after_ms(kReplaceMs, [this] {
    timer_ = 0;
    fail("do not serve in time");
  });
  fresh_workers_ = workers_.start_others(old_workers_);
  for (const std::string& name : fresh_workers_)
    if (const Child* child = children_.find(name)) record_.note(*child, Process::State::starting);
  record_.tell();
  if (fresh_workers_.empty()) next_step(&Upgrade::workers_serve);  // there are enough of the new ones
}

void Upgrade::workers_serve() {
  for (const std::string& name : fresh_workers_)
    if (const Child* child = children_.find(name)) record_.note(*child, Process::State::serves);
  for (const std::string& name : old_workers_)
    if (Child* child = children_.find(name); child && child->running()) {
      child->retire();
      record_.process(*child).state = Process::State::retiring;
    }
  tools::log_notice("upgrade: new workers serve", {{"WORKERS", fresh_workers_.size()}});
  fresh_workers_.clear();
  old_workers_.clear();
  replace_next();
}

void Upgrade::restart(const std::string& role) {
  const Child& child = children_.place(role);
  record_.process(child) = {label_of(child), 0, child.pid(), Process::State::starting, 0};
  restart_.begin(role, [this, role](const std::string& problem) {
    const auto state = problem.empty() ? Process::State::serves : Process::State::failed;
    if (children_.has(role)) record_.note(children_.place(role), state);
    if (!problem.empty()) return finish(State::failed, problem);
    next_step(&Upgrade::replace_next);
  });
}

void Upgrade::retires(const Child& child) {
  record_.note(child, Process::State::retiring);
  record_.tell();
}

void Upgrade::changed(const Child& child) {
  if (stopped_) return;
  if (!child.running() && child.retiring()) record_.note(child, Process::State::ended);
  restart_.changed(child);
  if (report().state != State::running) return;
  const std::string name = socket_name_of(child);
  const bool is_fresh_worker =
      std::find(fresh_workers_.begin(), fresh_workers_.end(), name) != fresh_workers_.end();
  if (name != fresh_ && !is_fresh_worker) return;
  if (!problem_.empty()) {
    if (!child.running()) next_step(&Upgrade::give_back);
  } else if (!child.running()) {
    fail("ended as soon as it was started");
  } else if (name == fresh_ && child.ready()) {
    next_step(&Upgrade::only_serves);
  } else if (is_fresh_worker) {
    const bool all = std::all_of(fresh_workers_.begin(), fresh_workers_.end(), [this](const auto& one) {
      const Child* worker = children_.find(one);
      return worker && worker->ready();
    });
    if (all) next_step(&Upgrade::workers_serve);
  }
}

// The new ones go; give_back() is called until they have gone.
void Upgrade::fail(const std::string& reason) {
  const bool workers = fresh_.empty();
  problem_ = workers ? "the new workers: " + reason
                     : "the new " + fresh_.substr(0, fresh_.find('.')) + ": " + reason;
  record_.note_failed();
  record_.tell();
  next_step(&Upgrade::give_back);
}

void Upgrade::give_back() {
  std::vector<std::string> unwanted = fresh_workers_;
  if (!fresh_.empty()) unwanted.push_back(fresh_);
  bool gone = true;
  for (const std::string& name : unwanted) {
    Child* child = children_.find(name);
    if (!child) continue;
    if (!child->stopping())
      child->stop();
    else if (child->running())
      child->kill();  // it was asked before
    gone = gone && !child->running();
  }
  if (!gone) {
    timer_ = loop_.after_ms(kGiveBackMs, [this] {
      timer_ = 0;
      give_back();
    });
    return;
  }
  for (const std::string& name : unwanted) children_.forget(name);
  if (Child* aside = aside_.empty() ? nullptr : children_.find(aside_))
    if (auto back = children_.put_back(*aside); !back) tools::log_error(back.error().message);
  fresh_.clear();
  aside_.clear();
  fresh_workers_.clear();
  old_workers_.clear();
  finish(State::failed, std::exchange(problem_, ""));
}

void Upgrade::finish(State state, const std::string& reason) {
  loop_.cancel(std::exchange(timer_, 0));
  record_.report().state = state;
  record_.report().reason = reason;
  if (state == State::done)
    tools::log_notice("upgrade: done");
  else
    tools::log_error(std::string("upgrade: ") + name_of(state) + ", what ran before goes on: " + reason);
  record_.tell();
  node_.ended();
}

}  // namespace headgate::serve
