// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate-worker: runs the pipelines of sessions that the gate has admitted.
#include <base/io.h>
#include <base/masked.h>
#include <common/log.h>
#include <common/options.h>
#include <common/siblings.h>
#include <malloc.h>
#include <pipeline/folder.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "worker.h"

namespace headgate::worker {
namespace {

struct CommandLine {
  Settings settings;
  std::string pipelines, pipeline = "station";
  std::string told_as;  // what `pipelines` is a copy of; empty: nothing
  bool check = false;
};

Result<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine out;
  Settings& settings = out.settings;
  settings.node = "n01";
  int64_t id = 0, event = 0, capacity = settings.capacity, grace = settings.grace_ms / 1000,
          max_rungs = settings.max_rungs;
  std::vector<std::string> parameters;
  tools::Options options(
      "", "Runs the pipelines of admitted sessions. Started by `headgate serve`.",
      "SIGTERM ends all sessions cleanly, within 5 s. SIGUSR1: another worker takes "
      "sessions from now on; ends when those it has are over. Plugins are looked for where "
      "GStreamer looks, then in HEADGATE_PLUGINS, the build tree or the installed folder.");
  options.number("id", id, 0, 9999, "N", "listen on worker-N.sock (default 0)")
      .text("runtime-dir", settings.runtime_dir, "DIR", "folder of the node's sockets")
      .text("root", settings.root, "DIR", "archive root")
      .number("event", event, 0, UINT32_MAX, "N", "the event whose archive must be in order (default 0)")
      .text("node", settings.node, "NAME", "name of this node in run names (default n01)")
      .text("pipelines", out.pipelines, "DIR", "folder of pipeline descriptions")
      .text("told-as", out.told_as, "DIR", "name of that folder in what is told of it (default: as it is)")
      .text("pipeline", out.pipeline, "NAME", "description that sessions run (default station)")
      .number("capacity", capacity, 1, 10'000, "N", "most sessions at a time (default 50)")
      .number("max-rungs", max_rungs, 0, 1000, "N", "rungs that are encoded on demand at a time (default 16)")
      .number("grace", grace, 0, 86'400, "S",
              "a stream waits so long for its publisher where its description does not say (default 120)")
      .list("set", parameters, "NAME=VALUE", "a parameter of the descriptions; may be repeated")
      .arguments_from()
      .flag("check", out.check, "build every description once, then end: 0 good, 1 not");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (settings.root.empty()) return Unexpected("--root is needed");
  if (settings.runtime_dir.empty() && !out.check) return Unexpected("--runtime-dir is needed");
  for (const std::string& parameter : parameters) {
    size_t equals = parameter.find('=');
    if (equals == std::string::npos) return Unexpected("--set " + masked(parameter) + ": is not NAME=VALUE");
    settings.parameters[parameter.substr(0, equals)] = parameter.substr(equals + 1);
  }
  settings.id = static_cast<uint32_t>(id);
  settings.event = static_cast<uint32_t>(event);
  settings.capacity = static_cast<uint32_t>(capacity);
  settings.grace_ms = grace * 1000;
  settings.max_rungs = static_cast<uint32_t>(max_rungs);
  if (out.pipelines.empty()) {
    auto folder = tools::pipelines_folder();
    if (!folder) return Unexpected(folder.error());
    out.pipelines = *folder;
  }
  return out;
}

// All of them are checked; `name` is the one to run.
Result<void> load_descriptions(const std::string& folder, const std::string& name, Settings& settings) {
  auto descriptions = pipeline::load_folder(folder);
  if (!descriptions) return Unexpected(descriptions.error());
  Values unused = settings.parameters;
  bool found = false;
  std::string names;
  for (Description& description : *descriptions) {
    const bool for_sessions = description.trigger() == pipeline::Trigger::ticket;
    const bool is_it = description.name() == name;
    if (is_it && !for_sessions)
      return Unexpected(description.file() +
                        ": /trigger: a session runs what has the trigger ticket, and this has " +
                        trigger_name(description.trigger()) + "; --instances runs it beside them");
    // A pipeline is built here as every session's will be; that also registers its types.
    if (for_sessions) {
      if (auto built = Worker::build(settings, description); !built) return Unexpected(built.error());
      names += (names.empty() ? "" : ", ") + description.name();
    }
    std::erase_if(unused, [&](const auto& value) { return description.has_parameter(value.first); });
    if (!is_it) continue;
    found = true;
    settings.description = std::move(description);
  }
  if (!found)
    return Unexpected(folder + ": no description has the name \"" + name + "\"; sessions may run " + names);
  if (!unused.empty())
    return Unexpected("--set " + unused.begin()->first + ": no description has this parameter");
  return {};
}

int fail(const std::string& message, int code) {
  tools::log_error(message);
  return code;
}

Result<void> load(const CommandLine& line, Settings& settings) {
  auto loaded = load_descriptions(line.pipelines, line.pipeline, settings);
  if (loaded || line.told_as.empty()) return loaded;
  std::string reason = loaded.error().message;
  for (size_t at = reason.find(line.pipelines); at != std::string::npos;
       at = reason.find(line.pipelines, at + line.told_as.size()))
    reason.replace(at, line.pipelines.size(), line.told_as);
  return Unexpected(reason);
}

// Parameters of other descriptions of the folder, so that --pipeline alone can be changed.
void warn_of_unused(const Settings& settings, const std::string& pipeline) {
  for (const auto& [name, value] : settings.parameters)
    if (!settings.description.has_parameter(name))
      tools::log_warning("--set " + name + " has no effect: sessions run " + pipeline +
                         ", which has no such parameter");
}

int run(int argc, char** argv) {
  auto line = parse_command_line(argc, argv);
  if (!line) return fail(line.error().message, 2);
  // One heap: pipelines come and go, and glibc's arenas keep what each thread once used.
  mallopt(M_ARENA_MAX, 1);
  if (!line->check) tools::log_always({{"WORKER", line->settings.id}});
  Loop loop;
  std::unique_ptr<Worker> worker;
  SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [&](int signal) {
    if (signal == SIGUSR1) return worker->retire();
    if (signal != SIGHUP) return worker->stop();
    Settings fresh = line->settings;
    if (auto loaded = load(*line, fresh); !loaded) return tools::log_error(loaded.error().message);
    worker->take(std::move(fresh.description));
    tools::log_notice("read the pipeline descriptions again");
  });
  gst_init(nullptr, nullptr);
  pipeline::find_plugins();
  if (auto made = make_directories(line->settings.root); !made) return fail(made.error().message, 1);
  if (auto loaded = load(*line, line->settings); !loaded) {
    if (line->check) std::puts(loaded.error().message.c_str());  // for the supervisor, whose log has it too
    return fail(loaded.error().message, 1);
  }
  if (line->check) {
    warn_of_unused(line->settings, line->pipeline);
    return 0;
  }
  worker = std::make_unique<Worker>(loop, line->settings);
  if (auto started = worker->start(); !started) return fail(started.error().message, 1);
  worker->note_crashes();
  loop.run();
  if (worker->stuck()) {
    // Waiting for what hangs would only have somebody else kill this process; recovery closes its runs.
    tools::log_error("sessions did not end well; their runs will be recovered");
    std::_Exit(worker->exit_code());
  }
  return worker->exit_code();
}

}  // namespace
}  // namespace headgate::worker

int main(int argc, char** argv) {
  headgate::tools::start_log("headgate-worker");
  return headgate::worker::run(argc, argv);
}
