// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <load/terminal.h>
#include <pipeline/commands.h>
#include <pipeline/runner.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace headgate::pipeline {
namespace {

int run(const Description& description, const Values& values, const char* program, bool quiet) {
  Loop loop;
  std::unique_ptr<Runner> runner;
  SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) { runner->end(); });
  gst_init(nullptr, nullptr);
  find_plugins();
  auto pipeline = build(description, values);
  if (!pipeline) return tools::complain(1, program, pipeline.error().message);
  std::string failure;
  Runner::Events events;
  events.ended = [&](const std::string& error) {
    failure = error;
    loop.stop();
  };
  events.notice = [&](const std::string& text) { std::fprintf(stderr, "%s: %s\n", program, text.c_str()); };
  runner = std::make_unique<Runner>(loop, *std::move(pipeline), events);
  load::LiveBlock block;
  Loop::TimerId status = 0;
  if (!quiet)
    status = loop.every_ms(1000, [&] {
      const std::string line = runner->status();
      block.show({line}, line);
    });
  runner->start();
  loop.run();
  loop.cancel(status);
  const int code = failure.empty() ? 0 : tools::complain(1, program, failure);
  if (!runner->stop()) {
    tools::complain(1, program, "the pipeline does not stop");
    std::_Exit(1);
  }
  return code;
}

}  // namespace

int run_run(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool quiet = false;
  tools::Options options(
      "NAME|FILE", "Runs a description alone, until it ends, fails, or SIGINT or SIGTERM comes.",
      "Ends with 0 when the pipeline ended by itself or was asked to, with 1 after an error. Each "
      "second a line tells the time, what every sink gets, and what a healthprobe measures.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
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
  return run(*description, *values, argv[0], quiet);
}

}  // namespace headgate::pipeline
