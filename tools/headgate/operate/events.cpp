// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate events: what happened on a node.
#include "events.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <optional>

#include "../commands.h"
#include "json_words.h"
#include "node_client.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr char kPath[] = "/api/v1/events";
constexpr unsigned kReconnectMs = 1000;
constexpr int64_t kPage = 500;
constexpr size_t kKindWidth = 18;

struct EventArguments {
  NodePlace place;
  int64_t after = -1, last = 0, station = -1;
  std::vector<std::string> kinds;
  Severity least = Severity::info;
  bool json = false, follow = false;

  bool takes(const NodeEvent& event) const {
    const bool kind =
        kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const std::string& wanted) {
          return event.kind == wanted || event.kind.starts_with(wanted + ".");
        });
    return kind && event.severity >= least &&
           (station < 0 || event.field("station") == std::to_string(station));
  }
};

std::optional<Severity> severity_of(const std::string& text) {
  for (Severity one : {Severity::info, Severity::warning, Severity::error})
    if (text == name_of(one)) return one;
  return std::nullopt;
}

// False: standard output takes no more.
bool print(const EventArguments& arguments, const std::string& json, const NodeEvent& event) {
  return std::puts((arguments.json ? json : event.line()).c_str()) >= 0 && std::fflush(stdout) == 0;
}

// Those that are kept and wanted, after `last`, which becomes the id of the newest.
Result<bool> print_kept(const EventArguments& arguments, int64_t& last) {
  const NodeClient client(arguments.place.socket());
  std::deque<std::pair<std::string, NodeEvent>> wanted;
  int64_t before = last;
  do {  // until a page has nothing new
    before = last;
    auto answer = client.get(std::string(kPath) + "?limit=" + std::to_string(kPage) +
                             "&after=" + std::to_string(std::max<int64_t>(last, 0)));
    if (!answer) return Unexpected(answer.error());
    const Json json = Json::object_of(*answer);
    if (!json.has("events")) return Unexpected("this node tells no events: it is older than this command");
    json.each("events", [&](const Json& one) {
      NodeEvent event = node_event_of(one);
      last = std::max(last, event.id);
      if (arguments.takes(event)) wanted.emplace_back(one.json(), std::move(event));
      if (arguments.last > 0 && wanted.size() > static_cast<size_t>(arguments.last)) wanted.pop_front();
    });
  } while (before != last);
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const auto& one) { return print(arguments, one.first, one.second); });
}

// Until standard output takes no more. The error is that of a node that went away.
Result<void> print_coming(const EventArguments& arguments, int64_t& last) {
  auto stream =
      NodeEventStream::open(arguments.place.socket(), kPath, std::to_string(std::max<int64_t>(last, 0)));
  if (!stream) return Unexpected(stream.error());
  for (;;) {
    auto event = stream->next();
    if (!event) return Unexpected(event.error());
    const Json json = Json::object_of(event->data);
    if (!json.has("kind")) continue;
    const NodeEvent one = node_event_of(json);
    last = std::max(last, one.id);
    if (arguments.takes(one) && !print(arguments, event->data, one)) return {};
  }
}

int follow(const char* program, const EventArguments& arguments, int64_t last) {
  for (std::string told;;) {
    auto printed = print_coming(arguments, last);
    if (printed) return 0;
    // A node may be restarting; what it did meanwhile is told afterwards.
    if (printed.error().message != told) complain(1, program, printed.error().message);
    told = printed.error().message;
    ::usleep(kReconnectMs * 1000);
  }
}

}  // namespace

const char* name_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      break;
  }
  return "error";
}

std::string NodeEvent::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return "";
}

std::string NodeEvent::line() const {
  std::string out = printable(utc) + "  " + fitted(name_of(severity), 7) + "  " +
                    fitted(printable(kind), std::max(kKindWidth, width_of(printable(kind)))) + "  " +
                    printable(text);
  for (const auto& [name, value] : fields) out += printable(" " + name + "=" + value);
  return out;
}

NodeEvent node_event_of(const Json& event) {
  NodeEvent out;
  out.id = event.integer("id");
  out.utc = event.text("utc");
  out.kind = event.text("kind");
  out.severity = severity_of(event.text("severity")).value_or(Severity::info);
  out.text = event.text("text");
  const Json& fields = event.at("fields");
  for (const std::string& name : fields.keys()) out.fields.emplace_back(name, scalar_text(fields.at(name)));
  return out;
}

int run_events(int argc, char** argv) {
  EventArguments arguments;
  std::string severity = "info";
  tools::Options options(
      "", "Prints what happened on a node: processes, sessions, health, disk, clock.",
      "A kind is a word with dots, as worker.died; `--kind worker` means all that begin so.\n\n"
      "Examples:\n"
      "  headgate events --severity warning         what went wrong\n"
      "  headgate events --follow --kind worker     processes, as it happens\n"
      "  headgate events --after 812 --json         for a program that has seen 812\n\n"
      "Exit code 1: no node answers.");
  arguments.place.add_to(options);
  options.number("after", arguments.after, 0, INT64_MAX, "ID", "only those after this one")
      .number("last", arguments.last, 1, INT32_MAX, "N", "only the last N of those that are kept")
      .list("kind", arguments.kinds, "KIND", "only of this kind; may be given several times")
      .text("severity", severity, "SEVERITY", "info, warning or error, and what is worse (default: info)")
      .number("station", arguments.station, 0, UINT32_MAX, "N", "only of this station")
      .flag("follow", arguments.follow, "go on with what happens, until Ctrl-C")
      .flag("json", arguments.json, "print one JSON object for each");
  auto rest = options.parse(argc, argv);
  if (!rest) return complain(2, argv[0], rest.error().message);
  if (!rest->empty()) return complain(2, argv[0], "unexpected argument '" + rest->front() + "'");
  auto least = severity_of(severity);
  if (!least) return complain(2, argv[0], "--severity takes info, warning or error, not '" + severity + "'");
  arguments.least = *least;
  int64_t last = arguments.after;
  auto more = print_kept(arguments, last);
  if (!more) return complain(1, argv[0], more.error().message);
  return arguments.follow && *more ? follow(argv[0], arguments, last) : 0;
}

}  // namespace headgate::cli
