// SPDX-License-Identifier: LGPL-2.1-or-later
#include <base/clock.h>
#include <common/commands.h>
#include <common/options.h>
#include <load/terminal.h>
#include <pipeline/backoff.h>
#include <pipeline/commands.h>
#include <pipeline/runner.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace headgate::pipeline {
namespace {

int64_t now_ms() {
  return system_clock().mono_us() / 1000;
}

// Runs follow one another until one ends by itself, somebody asks, or the description gives up.
class Runs {
 public:
  Runs(Loop& loop, const Description& description, const Values& values, std::string program)
      : loop_(loop),
        description_(description),
        values_(values),
        program_(std::move(program)),
        backoff_(description.restart()) {}

  bool once = false, quiet = false;

  int run() {
    if (!start()) return 1;
    Loop::TimerId status = 0;
    if (!quiet) status = loop_.every_ms(1000, [this] { show(); });
    loop_.run();
    loop_.cancel(status);
    take_down();
    return code_;
  }

  // Of a signal.
  void end() {
    ending_ = true;
    if (runner_) return runner_->end();
    code_ = 0;
    loop_.stop();
  }

 private:
  bool start() {
    auto pipeline = build(description_, values_);
    if (!pipeline) {
      code_ = tools::complain(1, program_.c_str(), pipeline.error().message);
      return false;
    }
    Runner::Events events;
    events.ended = [this](const std::string& error) { loop_.post([this, error] { ended(error); }); };
    events.notice = [this](const std::string& text) { tools::complain(0, program_.c_str(), text); };
    began_ms_ = now_ms();
    runner_ = std::make_unique<Runner>(loop_, *std::move(pipeline), events);
    runner_->start();
    return true;
  }

  void ended(const std::string& error) {
    code_ = error.empty() ? 0 : tools::complain(1, program_.c_str(), error);
    take_down();
    if (error.empty() || once || ending_) return loop_.stop();
    const Backoff::Next next = backoff_.failed(now_ms() - began_ms_);
    const std::string runs = std::to_string(backoff_.in_a_row()) + " failed runs in a row";
    if (next.alarm) tools::complain(1, program_.c_str(), "alarm: " + runs);
    if (next.give_up) {
      tools::complain(1, program_.c_str(), "given up after " + runs);
      return loop_.stop();
    }
    tools::complain(1, program_.c_str(), "starts again in " + std::to_string(next.pause_ms) + " ms");
    loop_.after_ms(next.pause_ms, [this] {
      if (!start()) loop_.stop();
    });
  }

  void take_down() {
    if (!runner_) return;
    if (!runner_->stop()) {
      tools::complain(1, program_.c_str(), "the pipeline does not stop");
      std::_Exit(1);
    }
    runner_.reset();
  }

  void show() {
    if (!runner_) return;
    const std::string line = runner_->status();
    block_.show({line}, line);
  }

  Loop& loop_;
  const Description& description_;
  const Values& values_;
  const std::string program_;
  Backoff backoff_;
  load::LiveBlock block_;
  std::unique_ptr<Runner> runner_;
  int64_t began_ms_ = 0;
  bool ending_ = false;
  int code_ = 0;
};

}  // namespace

int run_run(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool quiet = false, once = false;
  tools::Options options(
      "NAME|FILE", "Runs a description alone, until it ends or SIGINT or SIGTERM comes.",
      "A run that fails is followed by another, as the description's \"restart\" says. Ends with 0 "
      "when the pipeline ended by itself or was asked to, with 1 after an error. Each second a "
      "line tells the time, what every sink gets, and what a healthprobe measures.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .flag("once", once, "end with the first failure")
      .flag("quiet", quiet, "no status line");
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  auto description = load_one(folder, *rest);
  if (!description) return tools::complain(1, argv[0], description.error().message);
  if (description->trigger() == Trigger::ticket)
    return tools::complain(
        2, argv[0],
        description->name() + " runs for a publisher's session (trigger ticket): headgate serve --pipeline " +
            description->name());
  Loop loop;
  Runs runs(loop, *description, *values, argv[0]);
  runs.once = once;
  runs.quiet = quiet;
  SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) { runs.end(); });
  gst_init(nullptr, nullptr);
  find_plugins();
  return runs.run();
}

}  // namespace headgate::pipeline
