// SPDX-License-Identifier: LGPL-2.1-or-later
#include <check/report.h>

#include <algorithm>

#include <base/json_line.h>

namespace headgate::check {

using conformance::Severity;

void Report::add(const std::string& where, int64_t at_us, const conformance::Findings& findings) {
  for (const conformance::Finding& finding : findings) {
    Row& row = rows_[{finding.rule, where}];
    if (row.times_us.size() < kMaxTimes) row.times_us.push_back(at_us);
    if (row.count++ > 0) continue;
    row.rule = finding.rule;
    row.where = where;
    row.what = finding.what;
    row.line = finding.line;
    row.first_us = at_us;
  }
}

uint64_t Report::count(Severity severity) const {
  uint64_t sum = 0;
  for (const auto& [key, row] : rows_) sum += row.rule->severity == severity ? row.count : 0;
  return sum;
}

bool Report::clean() const {
  return count(Severity::error) + count(Severity::warning) == 0;
}

std::vector<Report::Row> Report::rows() const {
  std::vector<Row> out;
  for (const auto& [key, row] : rows_) out.push_back(row);
  std::stable_sort(out.begin(), out.end(), [](const Row& a, const Row& b) {
    if (a.rule->severity != b.rule->severity) return a.rule->severity > b.rule->severity;
    return a.first_us < b.first_us;
  });
  return out;
}

void Report::print(FILE* to, const char* standard) const {
  for (const Row& row : rows()) {
    std::fprintf(to, "%-7s %s (%s, %s): %s\n", severity_name(row.rule->severity), row.rule->id, standard,
                 row.rule->clause, row.where.c_str());
    std::fprintf(to, "        %.1f s", static_cast<double>(row.first_us) / 1e6);
    if (row.line > 0) std::fprintf(to, ", line %zu", row.line);
    if (row.count > 1) std::fprintf(to, ", %llu times", static_cast<unsigned long long>(row.count));
    std::fprintf(to, ": %s\n", row.what.c_str());
    std::fprintf(to, "        demanded: %s\n        to do: %s\n", row.rule->demand, row.rule->remedy);
  }
}

std::string Report::json() const {
  std::string out = "[";
  for (const Row& row : rows()) {
    if (out.size() > 1) out += ",";
    JsonLine line;
    std::string times;
    for (const int64_t at_us : row.times_us)
      times += (times.empty() ? "" : ",") + std::to_string(at_us / 1000);
    line.field("rule", row.rule->id)
        .field("severity", severity_name(row.rule->severity))
        .field("clause", row.rule->clause)
        .field("where", row.where)
        .field("first_s", static_cast<double>(row.first_us) / 1e6)
        .field("count", row.count)
        .raw("times_ms", "[" + times + "]")
        .field("line", row.line)
        .field("what", row.what);
    out += line.take();
  }
  return out + "]";
}

}  // namespace headgate::check
