// SPDX-License-Identifier: LGPL-2.1-or-later
#include <common/commands.h>
#include <common/options.h>
#include <common/terminal_text.h>
#include <pipeline/commands.h>

#include <algorithm>
#include <cstdio>

namespace headgate::pipeline {
namespace {

void print_row(const std::string& name, const std::string& type, const std::string& value,
               const std::string& range, const std::string& about) {
  const auto cell = [](const std::string& text, size_t width) {
    return tools::padded(tools::printable(text), width) + " ";
  };
  const std::string line =
      cell(name, 20) + cell(type, 9) + cell(value, 24) + cell(range, 26) + tools::printable(about);
  std::puts(line.c_str());
}

// "500", its unit "ms" -> "500 ms"; what has its unit with it stays as it is.
std::string with_unit(const Parameter& parameter, const std::string& value) {
  const bool bare = !value.empty() && value.back() >= '0' && value.back() <= '9';
  return bare && !parameter.unit.empty() ? value + " " + parameter.unit : value;
}

std::string range(const Parameter& parameter) {
  std::string out;
  if (parameter.type == Type::choice)
    for (const auto& [name, text] : parameter.values) out += (out.empty() ? "" : "|") + name;
  if (parameter.least || parameter.most)
    out = (parameter.least ? with_unit(parameter, *parameter.least) : "") + " … " +
          (parameter.most ? with_unit(parameter, *parameter.most) : "");
  return out;
}

// 0 is no limit (docs/pipelines.md).
std::string limit(int64_t most, const std::string& what, const std::string& of_what) {
  return most == 0 ? "no limit of " + of_what : std::to_string(most) + " " + what + " for a stream";
}

void print_policy(const Description& of) {
  std::printf("trigger    %s\n", trigger_name(of.trigger()));
  const RestartPolicy& restart = of.restart();
  if (of.trigger() == Trigger::ticket) {
    std::printf("restart    a station is refused after %lld errors within a minute\n",
                static_cast<long long>(restart.errors_per_minute));
    if (of.grace_ms() >= 0) std::printf("grace      %lld s\n", static_cast<long long>(of.grace_ms() / 1000));
    if (of.streams_per_worker() > 0)
      std::printf("resources  %lld streams per worker\n", static_cast<long long>(of.streams_per_worker()));
    if (of.resources().memory_mib)
      std::printf("           %s\n", limit(*of.resources().memory_mib, "MiB of memory", "memory").c_str());
    if (of.resources().cpu)
      std::printf("           %s\n",
                  limit(*of.resources().cpu, "thousandths of a processor", "processors").c_str());
  } else if (of.trigger() == Trigger::listen) {
    std::printf("listens    %s, %lld connections at a time; alarm after %lld that failed in a row\n",
                of.listen().tcp.text.c_str(), static_cast<long long>(of.listen().most),
                static_cast<long long>(restart.alarm_after));
  } else {
    std::printf(
        "restart    after %lld ms, at most %lld ms; alarm after %lld failed runs in a row, given up after "
        "%s\n",
        static_cast<long long>(restart.pause_ms), static_cast<long long>(restart.max_pause_ms),
        static_cast<long long>(restart.alarm_after),
        restart.give_up_after == 0 ? "none" : std::to_string(restart.give_up_after).c_str());
  }
  if (of.trigger() != Trigger::ticket && restart.silence_ms > 0)
    std::printf("           silence of %g s is a failure\n", static_cast<double>(restart.silence_ms) / 1000);
  if (restart.again) std::printf("           so is an end that nobody asked for\n");
  for (const HealthKey& one : kHealthKeys) {
    const auto value = of.health().value(one.key);
    if (!value) continue;
    if (one.unit == HealthUnit::duration)
      std::printf("health     %s %g s\n", one.key, *value / 1e9);
    else
      std::printf("health     %s %.10g%s\n", one.key, *value,
                  one.unit == HealthUnit::bitrate ? " bit/s" : "");
  }
}

}  // namespace

int run_show(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> set;
  tools::Options options("NAME|FILE",
                         "Shows a description: its parameters, and its elements with their values.");
  options.text("pipelines", folder, "DIR", "folder of descriptions (default: the installed one)")
      .list("set", set, "NAME=VALUE", "a parameter; may be repeated")
      .arguments_from();
  auto rest = options.parse(argc, argv);
  if (!rest) return tools::complain(2, argv[0], rest.error().message);
  auto values = values_of(set);
  if (!values) return tools::complain(2, argv[0], values.error().message);
  auto description = load_one(folder, *rest);
  if (!description) return tools::complain(1, argv[0], description.error().message);
  auto lines = description->lines(*values, Description::Missing::kept);
  if (!lines) return tools::complain(1, argv[0], lines.error().message);

  std::printf("%s: %s\nfile       %s\n", description->name().c_str(), description->about().c_str(),
              description->file().c_str());
  for (const std::string& fragment : description->fragments())
    std::printf("fragment   %s\n", fragment.c_str());
  print_policy(*description);
  std::puts("");
  print_row("PARAMETER", "TYPE", "VALUE", "RANGE", "ABOUT");
  for (const Parameter& parameter : description->parameters()) {
    const auto given = values->find(parameter.name);
    const std::string value = given != values->end() ? with_unit(parameter, given->second) + " (set)"
                              : parameter.preset     ? with_unit(parameter, *parameter.preset)
                                                     : "(needed)";
    print_row(parameter.name, type_name(parameter.type), value, range(parameter), parameter.about);
  }
  std::printf("\n");
  for (const Line& line : *lines) std::printf("%s\n", line.text.c_str());
  return 0;
}

}  // namespace headgate::pipeline
