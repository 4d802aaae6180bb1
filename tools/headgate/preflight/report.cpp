// SPDX-License-Identifier: LGPL-2.1-or-later
#include "report.h"

#include <algorithm>

#include <base/json_line.h>

namespace headgate::preflight {
namespace {

constexpr size_t kNameWidth = 13;

struct Look {
  const char *mark, *colour;
};
Look look_of(Level level) {
  switch (level) {
    case Level::skip:
      return {"·", "\033[2m"};
    case Level::pass:
      return {"✔", "\033[32m"};
    case Level::warn:
      return {"!", "\033[33m"};
    case Level::fail:
      return {"✘", "\033[31m"};
  }
  return {"?", ""};
}

std::string coloured(Level level, const std::string& text, bool colours) {
  return colours ? look_of(level).colour + text + "\033[0m" : text;
}

// What others wrote (a file, a program) does not reach the terminal as it is.
std::string printable(const std::string& text) {
  std::string out;
  for (char c : text) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? ' ' : c;
  return out;
}

size_t count(const std::vector<Row>& rows, Level level) {
  return static_cast<size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row.outcome.level() == level; }));
}

}  // namespace

const char* level_name(Level level) {
  constexpr const char* kNames[] = {"skip", "pass", "warn", "fail"};
  return kNames[static_cast<size_t>(level)];
}

Level Outcome::level() const {
  if (skipped) return Level::skip;
  Level out = Level::pass;
  for (const Finding& finding : findings) out = std::max(out, finding.level);
  return out;
}

std::string row_text(const Row& row, bool colours) {
  const Level level = row.outcome.level();
  std::string name = row.name;
  name.resize(std::max(kNameWidth, name.size()), ' ');
  std::string out = coloured(level, std::string(look_of(level).mark) + " " + name, colours) + " " +
                    printable(row.outcome.measured) + "\n";
  const std::string indent(kNameWidth + 3, ' ');
  for (const Finding& finding : row.outcome.findings) {
    const std::string mark =
        row.outcome.findings.size() > 1 ? look_of(finding.level).mark + std::string(" ") : "";
    out += indent + coloured(finding.level, mark + printable(finding.what), colours) + "\n";
    out += indent + "→ " + printable(finding.to_do) + "\n";
  }
  return out;
}

std::string summary_text(const std::vector<Row>& rows, bool colours) {
  std::string out = std::to_string(count(rows, Level::pass)) + " passed";
  auto add = [&](Level level, const char* one, const char* many) {
    if (const size_t number = count(rows, level); number > 0)
      out += ", " + coloured(level, std::to_string(number) + " " + (number == 1 ? one : many), colours);
  };
  add(Level::warn, "warning", "warnings");
  add(Level::fail, "failed", "failed");
  add(Level::skip, "not tried", "not tried");
  return out + "\n";
}

std::string report_json(const std::string& data, const std::string& node, const std::vector<Row>& rows) {
  std::string checks = "[";
  for (const Row& row : rows) {
    std::string findings = "[";
    for (const Finding& finding : row.outcome.findings)
      findings += (findings.size() > 1 ? "," : "") + JsonLine()
                                                         .field("result", level_name(finding.level))
                                                         .field("what", finding.what)
                                                         .field("do", finding.to_do)
                                                         .take();
    checks += (checks.size() > 1 ? "," : "") + JsonLine()
                                                   .field("name", row.name)
                                                   .field("result", level_name(row.outcome.level()))
                                                   .field("measured", row.outcome.measured)
                                                   .field("ms", row.ms)
                                                   .raw("findings", findings + "]")
                                                   .take();
  }
  return JsonLine()
             .field("data", data)
             .field("node", node)
             .raw("checks", checks + "]")
             .field("passed", count(rows, Level::pass))
             .field("warnings", count(rows, Level::warn))
             .field("failed", count(rows, Level::fail))
             .field("skipped", count(rows, Level::skip))
             .take() +
         "\n";
}

int exit_code(const std::vector<Row>& rows) {
  return count(rows, Level::fail) > 0 ? 1 : 0;
}

}  // namespace headgate::preflight
