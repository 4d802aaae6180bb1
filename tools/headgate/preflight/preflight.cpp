// SPDX-License-Identifier: LGPL-2.1-or-later
// headgate preflight: what an operator checks before the day.
#include <common/options.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include <base/clock.h>
#include <ticket/verifier.h>

#include "../commands.h"
#include "../time_argument.h"
#include "checks.h"
#include "program.h"
#include "report.h"

namespace headgate::preflight {

const std::vector<Check>& checks() {
  static const std::vector<Check> kChecks = {
      {"clock", "something keeps the clock right", check_clock},
      {"cpu", "how fast the processors hash", check_cpu},
      {"memory", "there is enough for the plan", check_memory},
      {"capacity", "places and processors carry the plan", check_capacity},
      {"network", "it carries what the plan's publishers send", check_network},
      {"open-files", "the limits of descriptors fit the settings", check_open_files},
      {"sockets", "the kernel's queues, buffers and port ranges", check_sockets},
      {"processes", "the limits of threads", check_processes},
      {"keys", "they are there, fit and are nobody else's to read", check_keys},
      {"addresses", "lists of addresses, proxies and revoked tickets parse", check_addresses},
      {"control", "its settings are those of a node that starts", check_control},
      {"certificate", "of RTMPS: its dates, names, chain and key", check_certificate, {}},
      {"ports", "they are free, or the running node's, and answer", check_ports},
      {"volume", "a run could be opened on the archive's volume", check_volume, {}},
      {"disk-space", "there is room for the plan", check_disk_space},
      {"inodes", "there is room for its files", check_inodes},
      {"disk-speed", "the disk takes what the plan writes", check_disk_speed, {"volume"}},
      {"elements", "GStreamer has every element of the pipeline", check_elements},
      {"pipelines", "every description can be built", check_pipelines, {"elements"}},
      {"content", "black, frozen and silent streams are looked for", check_content},
      {"instances", "pipelines of the node's own can run beside each other", check_instances, {"pipelines"}},
      {"tickets", "they fit keys, day, ports and pipeline (--tickets)", check_tickets, {"keys"}},
      {"alerts", "the webhooks take a signed test event", check_alerts},
      {"publisher",
       "a synthetic one through everything",
       check_publisher,
       {"volume", "elements", "pipelines"}},
  };
  return kChecks;
}

namespace {

constexpr char kEpilogue[] =
    "The options of `headgate serve` say which node; without them its installed settings do. When it runs, "
    "it is "
    "asked;\notherwise everything is looked at as if it were to be started now. NAMES are those of --list, "
    "with "
    "commas.\nTIME is 2026-09-14T06:00:00Z, Unix seconds, now, or an offset from now: +6h.\n"
    "Exit code: 0 nothing failed, 1 something did, 2 nothing could be checked. docs/preflight.md has it "
    "all.\n\n";

struct Wish {
  serve::ConfigOptions settings;
  std::string only, skip, from = "now";
  int64_t streams = 0, kbps = 1500, hours = 0;
  bool json = false, list = false;
};

Result<std::vector<std::string>> names_in(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream rest(text);
  for (std::string name; std::getline(rest, name, ',');) {
    if (std::none_of(checks().begin(), checks().end(), [&](const Check& one) { return name == one.name; }))
      return Unexpected("there is no check '" + name + "' (--list names them)");
    out.push_back(name);
  }
  return out;
}

Result<void> parse(int argc, char** argv, Wish& wish, Context& context) {
  tools::Options options("", "Checks what an operator checks before the day, and says what to do.",
                         kEpilogue + serve::ConfigOptions::file_help());
  wish.settings.add_to(options);
  options.number("streams", wish.streams, 1, 1'000'000, "N", "the plan: so many at once")
      .number("kbps", wish.kbps, 16, 1'000'000, "K", "of so many kbit/s each (1500)")
      .number("hours", wish.hours, 0, 8784, "H", "for so long")
      .text("from", wish.from, "TIME", "when it begins (now)")
      .text("tickets", context.tickets, "FOLDER|FILE", "tickets that will be used")
      .text("issuer", context.issuer, "DIR",
            "keys with the issuer's: the synthetic publisher goes to the node that runs")
      .text("test-ticket", context.test_ticket, "TEXT|FILE", "the same, with this ticket")
      .flag("keep", context.keep, "keep what the synthetic publisher has recorded")
      .text("only", wish.only, "NAMES", "make these checks")
      .text("skip", wish.skip, "NAMES", "leave these out")
      .flag("list", wish.list, "list the checks")
      .flag("json", wish.json, "print one JSON object");
  auto rest = options.parse(argc, argv);
  if (!rest) return Unexpected(rest.error());
  if (!rest->empty()) return Unexpected("unexpected argument '" + rest->front() + "'");
  if (wish.list) return {};
  const bool installed = !wish.settings.any() && ::access(HEADGATE_SETTINGS, R_OK) == 0;
  auto config = wish.settings.read(installed ? HEADGATE_SETTINGS : "");
  if (!config) return Unexpected(config.error());
  context.config = *std::move(config);
  const int64_t now = system_clock().utc_seconds();
  auto begins = cli::parse_time(wish.from, now);
  if (!begins) return Unexpected("--from: " + begins.error().message);
  context.plan = {wish.streams, wish.kbps, *begins, wish.hours};
  return {};
}

class Progress {
 public:
  explicit Progress(bool shown) : shown_(shown) {}
  void show(const std::string& name, const std::string& text) {
    if (!shown_) return;
    std::fprintf(stderr, "\r\033[K… %s: %s", name.c_str(), text.c_str());
    std::fflush(stderr);
  }
  void clear() {
    if (shown_) std::fprintf(stderr, "\r\033[K");
  }

 private:
  const bool shown_;
};

Outcome run_check(const Check& check, Context& context) {
  for (const char* need : check.needs)
    if (context.failed(need)) return Outcome::skip(std::string("not tried: see ") + need);
  return check.run(context);
}

std::vector<Row> run_checks(Context& context, const std::vector<std::string>& only,
                            const std::vector<std::string>& skip, bool json) {
  auto listed = [](const std::vector<std::string>& names, const char* name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const bool colours = ::isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
  Progress progress(::isatty(STDERR_FILENO) == 1);
  std::vector<Row> rows;
  for (const Check& check : checks()) {
    if ((!only.empty() && !listed(only, check.name)) || listed(skip, check.name)) continue;
    if (interrupted()) break;
    context.progress = [&](const std::string& text) { progress.show(check.name, text); };
    const int64_t began_us = system_clock().mono_us();
    Row row{check.name, run_check(check, context), 0};
    row.ms = (system_clock().mono_us() - began_us) / 1000;
    context.done[row.name] = row.outcome.level();
    progress.clear();
    if (!json) {
      std::fputs(row_text(row, colours).c_str(), stdout);
      std::fflush(stdout);
    }
    rows.push_back(std::move(row));
  }
  if (!json) std::fputs(summary_text(rows, colours).c_str(), stdout);
  return rows;
}

int run(const char* program, const Wish& wish, Context context) {
  auto only = names_in(wish.only), skip = names_in(wish.skip);
  for (const auto* names : {&only, &skip})
    if (!*names) return cli::complain(2, program, names->error().message);
  auto node = find_node(context.config);
  if (!node) return cli::complain(2, program, node.error().message);
  context.node = *std::move(node);
  context.account = account_of(context.volume());
  // Which event this is everybody wants to know; whether the keys are right is a check's.
  if (auto keys = ticket::load_node_keys(context.config.keys)) context.config.event = keys->event;
  if (!wish.json)
    std::printf("%s, %s\n", context.config.data.c_str(),
                context.node ? "whose node runs" : "whose node does not run");
  const std::vector<Row> rows = run_checks(context, *only, *skip, wish.json);
  if (wish.json)
    std::fputs(report_json(context.config.data, context.node ? "running" : "stopped", rows).c_str(), stdout);
  if (interrupted()) return cli::complain(2, program, "interrupted");
  return exit_code(rows);
}

}  // namespace
}  // namespace headgate::preflight

namespace headgate::cli {

int run_preflight(int argc, char** argv) {
  const char* program = argv[0];
  preflight::Wish wish;
  preflight::Context context;
  if (auto good = preflight::parse(argc, argv, wish, context); !good)
    return complain(2, program, good.error().message);
  if (wish.list) {
    for (const preflight::Check& check : preflight::checks())
      std::printf("%-13s %s\n", check.name, check.about);
    return 0;
  }
  preflight::watch_for_interruption();
  return preflight::run(program, wish, std::move(context));
}

}  // namespace headgate::cli
