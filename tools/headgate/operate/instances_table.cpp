// SPDX-License-Identifier: LGPL-2.1-or-later
#include "instances_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "stream_rows.h"
#include "table.h"

namespace headgate::cli {
namespace {

constexpr double kPercent = 100;

// From `utc` until now; NaN: not known.
double age_s(const std::string& utc, int64_t now_utc_us) {
  const int64_t then = utc_us_of(utc);
  return then == 0 ? std::nan("") : static_cast<double>(now_utc_us - then) / 1e6;
}

std::string next_start(const Json& one, int64_t now_utc_us) {
  const double in_s = -age_s(one.text("next_start_utc"), now_utc_us);
  return std::isnan(in_s) ? "-" : "in " + short_duration(std::max(in_s, 0.0));
}

// What it does, or why it does not.
std::string words(const Json& one) {
  const std::string problem = one.text("reason"), last = one.text("last_end");
  if (!problem.empty()) return printable(problem);
  if (one.text("state") == "running" || last.empty()) return printable(one.text("line", "-"));
  return printable(last);
}

}  // namespace

std::string instances_table(const Json& node, int64_t now_utc_us) {
  Table table({{"PIPELINE"},
               {"DESCRIPTION"},
               {"STATE"},
               {"SINCE", true},
               {"NEXT START", true},
               {"RESTARTS", true},
               {"CPU", true},
               {"MEMORY", true},
               {"WHAT"}});
  node.each("instances", [&](const Json& one) {
    const double cpu = one.number("cpu");
    table.row({printable(one.text("instance", "-")), printable(one.text("description", "-")),
               printable(one.text("state", "-")), short_duration(age_s(one.text("since_utc"), now_utc_us)),
               next_start(one, now_utc_us), number_text(one.number("restarts")),
               std::isnan(cpu) ? "-" : number_text(cpu * kPercent, "%.0f%%"),
               bytes_text(one.number("memory_bytes")), words(one)});
  });
  return table.empty() ? "" : table.text();
}

std::string instances_summary(const Json& node) {
  std::vector<std::pair<std::string, int>> counts;  // as they come
  node.each("instances", [&](const Json& one) {
    const std::string state = printable(one.text("state", "-"));
    auto found =
        std::find_if(counts.begin(), counts.end(), [&](const auto& count) { return count.first == state; });
    if (found == counts.end()) found = counts.insert(counts.end(), {state, 0});
    ++found->second;
  });
  std::string out;
  for (const auto& [state, count] : counts)
    out += (out.empty() ? "pipelines " : ", ") + std::to_string(count) + " " + state;
  return out;
}

std::vector<std::string> instance_notices(const Json& node, int64_t now_utc_us) {
  std::vector<std::string> out;
  node.each("instances", [&](const Json& one) {
    const std::string name = "pipeline " + printable(one.text("instance")), state = one.text("state");
    const std::string last = printable(one.text("last_end", "the log has why"));
    if (!one.text("reason").empty())
      out.push_back(name + " is not as its file says: " + printable(one.text("reason")));
    if (state == "given-up")
      out.push_back(name + " is given up after " + number_text(one.number("failed_in_a_row")) +
                    " failed runs: " + last);
    if (state == "backing-off")
      out.push_back(name + " starts again " + next_start(one, now_utc_us) + ": it " + last);
  });
  return out;
}

}  // namespace headgate::cli
