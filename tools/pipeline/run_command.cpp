// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/listeners.h>
#include <common/options.h>
#include <load/terminal.h>
#include <pipeline/commands.h>
#include <pipeline/connections.h>
#include <pipeline/runs.h>
#include <pipeline/scheduled.h>

#include <csignal>
#include <filesystem>
#include <functional>

namespace headgate::pipeline {
namespace {

struct Wanted {
  const char* program;
  Values values;
  std::vector<std::string> set;  // the same, as it was given
  bool once = false, quiet = false;
};

// Until `what` has called done(): SIGINT and SIGTERM end it, its status is shown each second.
template <typename What>
void loop_on(Loop& loop, What& what, bool quiet) {
  SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) { what.end(); });
  load::LiveBlock block;
  Loop::TimerId timer = 0;
  if (!quiet)
    timer = loop.every_ms(1000, [&] {
      if (const std::string line = what.status(); !line.empty()) block.show({line}, line);
    });
  loop.run();
  loop.cancel(timer);
}

int run_always(const Description& description, const Wanted& wanted) {
  Loop loop;
  int code = 0;
  Runs runs(loop, description, wanted.values, wanted.program, wanted.once, [&](Runs::End how) {
    code = how == Runs::End::ended ? 0 : 1;
    loop.stop();
  });
  loop.post([&runs] { runs.start(); });
  loop_on(loop, runs, wanted.quiet);
  return code;
}

int run_scheduled(const Description& description, const Wanted& wanted) {
  Loop loop;
  int code = 0;
  Scheduled scheduled(loop, description, wanted.values, wanted.program, wanted.once, [&](int how) {
    code = how;
    loop.stop();
  });
  loop.post([&scheduled] { scheduled.start(); });
  loop_on(loop, scheduled, wanted.quiet);
  return code;
}

int run_listening(const Description& description, const Wanted& wanted) {
  if (wanted.values.count(kConnection) != 0)
    return tools::complain(2, wanted.program, "--set connection: who listens gives it");
  // What is wrong is told before anybody connects.
  if (auto built = build(description, with_samples(description, wanted.values)); !built)
    return tools::complain(1, wanted.program, built.error().message);
  auto address = description.listen_address(wanted.values);
  if (!address) return tools::complain(1, wanted.program, address.error().message);
  auto listener = tools::listen_tcp(*address);
  if (!listener) return tools::complain(1, wanted.program, listener.error().message);
  if (auto bound = tools::bound_address(listener->get()))
    tools::complain(0, wanted.program, "listens on " + *bound);
  std::vector<std::string> arguments{"run",          std::filesystem::absolute(description.file()).string(),
                                     "--once",       "--quiet",
                                     "--connection", std::to_string(kConnectionFd)};
  for (const std::string& one : wanted.set) {
    arguments.push_back("--set");
    arguments.push_back(one);
  }
  Loop loop;
  Connections connections(loop, description, *std::move(listener), std::move(arguments), wanted.program,
                          [&loop] { loop.stop(); });
  loop_on(loop, connections, wanted.quiet);
  return 0;
}

}  // namespace

int run_run(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool quiet = false, once = false;
  int64_t connection = -1;
  tools::Options options(
      "NAME|FILE", "Runs a description alone, until it ends or SIGINT or SIGTERM comes.",
      "A run that fails is followed by another, as the description's \"restart\" says. With the trigger "
      "schedule it "
      "runs at its times; with the trigger listen each connection to its port gets a run in a process of its "
      "own. Ends "
      "with 0 when the pipeline ended by itself or was asked to, with 1 after an error. Each second a "
      "line tells the time, what every sink gets, and what a healthprobe measures.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .flag("once", once, "end with the first failure")
      .number("connection", connection, 0, 1'000'000, "FD",
              "of the trigger listen: one run, for the connection that this descriptor is")
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
  const bool listens = description->trigger() == Trigger::listen;
  if (connection >= 0 && !listens)
    return tools::complain(2, argv[0],
                           "--connection: " + description->name() + " has not the trigger listen");
  gst_init(nullptr, nullptr);
  find_plugins();
  Wanted wanted{argv[0], *std::move(values), std::move(set), once, quiet};
  if (listens && connection < 0) return run_listening(*description, wanted);
  if (listens) wanted.values[kConnection] = std::to_string(connection);
  return description->trigger() == Trigger::schedule ? run_scheduled(*description, wanted)
                                                     : run_always(*description, wanted);
}

}  // namespace headgate::pipeline
