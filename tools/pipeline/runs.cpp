// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <common/commands.h>
#include <pipeline/build.h>
#include <pipeline/runs.h>

#include <cstdlib>
#include <utility>

namespace headgate::pipeline {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

}  // namespace

Runs::Runs(Loop& loop, const Description& description, Values values, std::string program, bool once,
           RunWatch* watch, std::function<void(End)> done)
    : loop_(loop),
      description_(description),
      values_(std::move(values)),
      program_(std::move(program)),
      once_(once),
      watch_(watch),
      done_(std::move(done)),
      backoff_(description.restart()) {}

Runs::~Runs() {
  loop_.cancel(pause_);
  take_down();
}

void Runs::start() {
  if (!begin()) done_(End::given_up);
}

bool Runs::begin() {
  auto pipeline = build(description_, values_);
  if (!pipeline) {
    tools::complain(1, program_.c_str(), pipeline.error().message);
    if (watch_) watch_->ended(std::string(kErrorFront) + pipeline.error().message, 0);
    return false;
  }
  Runner::Events events;
  events.ended = [this](const std::string& error) { loop_.post([this, error] { ended(error); }); };
  events.notice = [this](const std::string& text) { tools::complain(0, program_.c_str(), text); };
  if (watch_) {
    events.element = [this](const GstStructure& message) { watch_->element(message); };
    watch_->began(pipeline->get());
  }
  began_ms_ = now_ms();
  runner_ = std::make_unique<Runner>(loop_, *std::move(pipeline), description_.restart().silence_ms, events);
  runner_->start();
  return true;
}

void Runs::end(const std::string& reason) {
  if (std::exchange(ending_, true)) return;
  reason_ = reason;
  if (runner_) return runner_->end();
  loop_.cancel(std::exchange(pause_, 0));
  loop_.post([done = done_] { done(End::ended); });
}

std::string Runs::status() {
  return runner_ ? runner_->status() : "";
}

void Runs::ended(std::string error) {
  if (error.empty() && !ending_ && description_.restart().again)
    error = "it has ended by itself: what it reads has come to its end";
  if (!error.empty()) tools::complain(1, program_.c_str(), error);
  const int64_t idle_ms = runner_->idle_ms();
  const int64_t lasted_ms = now_ms() - began_ms_;
  take_down();
  if (watch_) watch_->ended(error.empty() ? reason_ : std::string(kErrorFront) + error, idle_ms);
  if (error.empty()) return done_(End::ended);
  if (once_ || ending_) return done_(End::failed);
  const Backoff::Next next = backoff_.failed(lasted_ms, idle_ms);
  const std::string runs = std::to_string(backoff_.in_a_row()) + " failed runs in a row";
  if (next.alarm) tools::complain(1, program_.c_str(), "alarm: " + runs);
  if (next.give_up) {
    tools::complain(1, program_.c_str(), "given up after " + runs);
    return done_(End::given_up);
  }
  tools::complain(1, program_.c_str(), "starts again in " + std::to_string(next.pause_ms) + " ms");
  pause_ = loop_.after_ms(next.pause_ms, [this] {
    pause_ = 0;
    if (!begin()) done_(End::given_up);
  });
}

void Runs::take_down() {
  if (!runner_) return;
  if (!runner_->stop()) {
    tools::complain(1, program_.c_str(), "the pipeline does not stop");
    std::_Exit(1);
  }
  runner_.reset();
}

}  // namespace headgate::pipeline
