// SPDX-License-Identifier: LGPL-2.1-or-later
#include "capacity.h"

#include <base/json_line.h>

#include <cmath>

namespace headgate::serve {
namespace {

constexpr double kGoodSide = 0.1;  // of the limit

std::string rounded(double value) {
  return std::to_string(std::llround(value));
}

}  // namespace

std::string Capacity::Gauge::text() const {
  return before + (value ? rounded(*value) : "?") + behind + " (limit " + rounded(limit) + ")";
}

Capacity::Capacity(const CapacityLimits& limits) {
  using Reading = CapacityReading;
  auto of = [](int64_t limit) { return static_cast<double>(limit); };
  gauges_ = {{
      {"late", "streams are served each ", " ms", &Reading::late_ms, of(limits.late_ms)},
      {"cpu", "the processors are busy to ", " %", &Reading::cpu_percent, of(limits.cpu_percent)},
      {"cpu-pressure", "somebody waits for a processor ", " % of the time", &Reading::cpu_pressure,
       of(limits.cpu_pressure)},
      {"encoding", "of the rungs that are always encoded ", " % are paused", &Reading::encoding_percent,
       of(limits.encoding_percent), false, kEncodingOpenAfterS},
      {"memory", "", " MiB of memory are available", &Reading::memory_mib, of(limits.memory_mib), true},
      {"disk", "the disk is full in ", " minutes", &Reading::disk_minutes, of(limits.disk_minutes), true},
      {"io-pressure", "all wait for the disk ", " % of the time", &Reading::io_pressure,
       of(limits.io_pressure)},
      {"link", "the link that is used most is used to ", " %", &Reading::link_percent,
       of(limits.link_percent)},
  }};
}

std::vector<Capacity::Change> Capacity::look(const CapacityReading& reading) {
  std::vector<Change> out;
  for (Gauge& gauge : gauges_) {
    if (gauge.limit <= 0) continue;
    gauge.value = reading.*gauge.value_of;
    const double sign = gauge.at_least ? -1 : 1;
    const double above = gauge.value ? sign * (*gauge.value - gauge.limit) : -gauge.limit;
    gauge.beyond_s = above > 0 ? gauge.beyond_s + 1 : 0;
    gauge.good_s = above <= -kGoodSide * gauge.limit ? gauge.good_s + 1 : 0;
    if (!gauge.full && gauge.beyond_s >= kFullAfterS) {
      gauge.full = true;
      out.push_back({gauge.name, gauge.text(), true});
    } else if (gauge.full && gauge.good_s >= gauge.open_after_s) {
      gauge.full = false;
      out.push_back({gauge.name, gauge.text(), false});
    }
  }
  return out;
}

std::string Capacity::full() const {
  std::string out;
  for (const Gauge& gauge : gauges_)
    if (gauge.full) out += (out.empty() ? "" : ", ") + std::string(gauge.name);
  return out;
}

std::string Capacity::json() const {
  std::string measures = "[";
  for (const Gauge& gauge : gauges_) {
    if (gauge.limit <= 0) continue;
    if (measures.size() > 1) measures += ',';
    JsonLine one;
    one.field("measure", gauge.name);
    if (gauge.value) one.field("value", std::round(*gauge.value * 10) / 10);
    one.field(gauge.at_least ? "at_least" : "at_most", static_cast<int64_t>(gauge.limit))
        .field("full", gauge.full);
    if (gauge.full) one.field("text", gauge.text());
    measures += one.take();
  }
  return JsonLine().field("full", full()).raw("measures", measures + "]").take();
}

}  // namespace headgate::serve
