// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/listeners.h>
#include <common/options.h>
#include <load/terminal.h>
#include <pipeline/alone.h>
#include <pipeline/commands.h>
#include <pipeline/connections.h>
#include <pipeline/node_link.h>
#include <pipeline/runs.h>
#include <pipeline/scheduled.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>

namespace headgate::pipeline {
namespace {

struct Wanted {
  const char* program;
  Values values;
  std::vector<std::string> set;  // the same, as it was given
  bool once = false, quiet = false;
  NodeLink::Settings node;  // without a runtime folder: it runs for itself
  int word_fd = -1;         // of who listens, who is to hear that this process lives; -1: nobody
};

// For a node: what runs is told to it. Null: it runs for itself.
using LinkPtr = std::unique_ptr<NodeLink>;
Result<LinkPtr> link_to_node(Loop& loop, const Description& description, const Wanted& wanted,
                             std::function<void()> end) {
  if (wanted.node.runtime_dir.empty()) return LinkPtr();
  NodeLink::Settings settings = wanted.node;
  settings.description = description.name();
  auto out = std::make_unique<NodeLink>(loop, std::move(settings), std::move(end));
  if (auto listens = out->listen(); !listens) return Unexpected(listens.error());
  return out;
}

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

// The loop ends, once a node knows why.
void stop(Loop& loop, const Result<LinkPtr>& link) {
  const auto end = [&loop] { loop.stop(); };
  *link ? (*link)->last_word(end) : end();
}

int run_alone(const Description& description, const Wanted& wanted, const Alone::Listen& listen) {
  Loop loop;
  int code = 0;
  Alone alone(loop, description, wanted.values, listen, wanted.program, [&](int how) {
    code = how;
    loop.stop();
  });
  loop.post([&alone] { alone.start(); });
  loop_on(loop, alone, wanted.quiet);
  return code;
}

int run_always(const Description& description, const Wanted& wanted) {
  Loop loop;
  int code = 0;
  std::unique_ptr<Runs> runs;
  auto link = link_to_node(loop, description, wanted, [&] { runs->end(); });
  if (!link) return tools::complain(1, wanted.program, link.error().message);
  runs = std::make_unique<Runs>(loop, description, wanted.values, wanted.program, wanted.once, link->get(),
                                [&](Runs::End how) {
                                  code = how == Runs::End::ended ? 0 : 1;
                                  stop(loop, link);
                                });
  if (*link) (*link)->says([&] { return NodeLink::Says{runs->status()}; });
  // That this loop goes round. Who listens kills one that does not.
  if (wanted.word_fd >= 0) loop.every_ms(kWordMs, [fd = wanted.word_fd] { ::send(fd, "", 1, MSG_NOSIGNAL); });
  loop.post([&runs] { runs->start(); });
  loop_on(loop, *runs, wanted.quiet);
  return code;
}

int run_scheduled(const Description& description, const Wanted& wanted) {
  Loop loop;
  int code = 0;
  std::unique_ptr<Scheduled> scheduled;
  auto link = link_to_node(loop, description, wanted, [&] { scheduled->end(); });
  if (!link) return tools::complain(1, wanted.program, link.error().message);
  scheduled = std::make_unique<Scheduled>(loop, description, wanted.values, wanted.program, wanted.once,
                                          link->get(), [&](int how) {
                                            code = how;
                                            stop(loop, link);
                                          });
  if (*link) (*link)->says([&] { return NodeLink::Says{scheduled->status(), scheduled->waits_until_us()}; });
  loop.post([&scheduled] { scheduled->start(); });
  loop_on(loop, *scheduled, wanted.quiet);
  return code;
}

int run_listening(const Description& description, const Wanted& wanted) {
  if (wanted.values.count(kConnection) != 0)
    return tools::complain(2, wanted.program, "--set connection: who listens gives it");
  // What is wrong is told before anybody connects.
  Values one = wanted.values;
  one[kConnection] = with_samples(description, {})[kConnection];
  if (auto built = build(description, one); !built)
    return tools::complain(1, wanted.program, built.error().message);
  auto address = description.listen_address(wanted.values);
  if (!address) return tools::complain(1, wanted.program, address.error().message);
  auto listener = tools::listen_tcp(*address);
  if (!listener) return tools::complain(1, wanted.program, listener.error().message);
  if (auto bound = tools::bound_address(listener->get()))
    tools::complain(0, wanted.program, "listens on " + *bound);
  std::vector<std::string> arguments{"run",          std::filesystem::absolute(description.file()).string(),
                                     "--once",       "--quiet",
                                     "--connection", std::to_string(kConnectionFd),
                                     "--word-fd",    std::to_string(kWordFd)};
  std::vector<std::string> secret;
  for (const std::string& one : wanted.set) secret.push_back("--set=" + one);
  if (!wanted.node.runtime_dir.empty())
    for (const std::string& word : {std::string("--runtime-dir"), wanted.node.runtime_dir,
                                    std::string("--instance"), wanted.node.instance})
      arguments.push_back(word);
  Loop loop;
  std::unique_ptr<Connections> connections;
  auto link = link_to_node(loop, description, wanted, [&] { connections->end(); });
  if (!link) return tools::complain(1, wanted.program, link.error().message);
  connections = std::make_unique<Connections>(loop, description, *std::move(listener), std::move(arguments),
                                              tools::lines_of(secret), wanted.program,
                                              ConnectionLimits::of(description), [&loop] { loop.stop(); });
  if (*link) (*link)->says([&] { return NodeLink::Says{connections->status()}; });
  loop_on(loop, *connections, wanted.quiet);
  return 0;
}

// Of options that are another trigger's, or not enough; empty: they are right.
std::string misused(const Description& description, int64_t connection, const Alone::Listen& listen,
                    const NodeLink::Settings& node) {
  const bool is_sessions = description.trigger() == Trigger::ticket;
  if (is_sessions && (listen.uri.empty() || listen.keys.empty()))
    return description.name() +
           " runs for a publisher's session (trigger ticket): headgate serve --pipeline " +
           description.name() + ", or give --listen URI and --keys DIR";
  if (is_sessions && !node.instance.empty())
    return "--instance: " + description.name() + " has the trigger ticket";
  if (!is_sessions && !(listen.uri.empty() && listen.keys.empty()))
    return "--listen, --keys: " + description.name() + " has not the trigger ticket";
  if (connection >= 0 && description.trigger() != Trigger::listen)
    return "--connection: " + description.name() + " has not the trigger listen";
  if (node.runtime_dir.empty() != node.instance.empty())
    return "--runtime-dir and --instance belong together";
  return "";
}

}  // namespace

int run_run(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  bool quiet = false, once = false;
  int64_t connection = -1, word_fd = -1;
  NodeLink::Settings node;
  Alone::Listen listen;
  tools::Options options(
      "NAME|FILE", "Runs a description alone, until it ends or SIGINT or SIGTERM comes.",
      "A run that fails is followed by another, as the description's \"restart\" says. With the trigger "
      "schedule it "
      "runs at its times; with the trigger listen each connection to its port gets a run in a process of its "
      "own; with the trigger ticket --listen and --keys let one publisher in after the other. Ends "
      "with 0 when the pipeline ended by itself or was asked to, with 1 after an error. Each second a "
      "line tells the time, what every sink gets, and what a healthprobe measures.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .arguments_from()
      .flag("once", once, "end with the first failure; of the trigger ticket: with the first session")
      .text("listen", listen.uri, "URI",
            "of the trigger ticket: where publishers come, rtmp://HOST:PORT/APP or srt://HOST:PORT")
      .text("keys", listen.keys, "DIR", "the folder of keys that their tickets are held against")
      .number("connection", connection, 0, 1'000'000, "FD",
              "of the trigger listen: one run, for the connection that this descriptor is")
      .number("word-fd", word_fd, 0, 1'000'000, "FD", "a byte is sent there each second, as long as it lives")
      .number("place", node.place, 0, kMaxConnections, "N", "of that connection among those of its pipeline")
      .text("runtime-dir", node.runtime_dir, "DIR", "sockets of the node that is told what runs")
      .text("instance", node.instance, "NAME", "name on that node")
      .text("settings-id", node.settings_id, "TEXT", "told to that node's supervisor")
      .flag("quiet", quiet, "no status line");
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  auto description = load_one(folder, *rest);
  if (!description) return tools::complain(1, argv[0], description.error().message);
  if (const std::string wrong = misused(*description, connection, listen, node); !wrong.empty())
    return tools::complain(2, argv[0], wrong);
  if (connection >= 0) node.peer = peer_of(static_cast<int>(connection));
  gst_init(nullptr, nullptr);
  find_plugins();
  Wanted wanted{argv[0], *std::move(values), std::move(set), once, quiet, std::move(node)};
  listen.once = once;
  if (description->trigger() == Trigger::ticket) return run_alone(*description, wanted, listen);
  const bool listens = description->trigger() == Trigger::listen;
  if (listens && connection < 0) return run_listening(*description, wanted);
  if (listens) wanted.values[kConnection] = std::to_string(connection);
  wanted.word_fd = static_cast<int>(word_fd);
  return description->trigger() == Trigger::schedule ? run_scheduled(*description, wanted)
                                                     : run_always(*description, wanted);
}

}  // namespace headgate::pipeline
