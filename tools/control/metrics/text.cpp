// SPDX-License-Identifier: LGPL-2.1-or-later
#include "text.h"

#include <charconv>
#include <cmath>
#include <utility>

namespace headgate::metrics {
namespace {

constexpr std::string_view kTotal = "_total";

// The shortest that reads back the same; of a usual size without an exponent.
std::string number(double value) {
  constexpr double kLeastFixed = 1e-6, kMostFixed = 1e15;
  const double size = std::abs(value);
  const bool fixed = size == 0 || (size >= kLeastFixed && size < kMostFixed);
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value,
                                          fixed ? std::chars_format::fixed : std::chars_format::scientific);
  return {text, error == std::errc() ? end : text};
}

std::string seconds(int64_t us) {
  return number(static_cast<double>(us) / 1e6);
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

// OpenMetrics calls a counter's family by its name without _total.
std::string_view family(const Metric& metric, Format format) {
  std::string_view name = metric.name;
  if (format == Format::openmetrics && name.ends_with(kTotal)) name.remove_suffix(kTotal.size());
  return name;
}

}  // namespace

Format format_for(std::string_view accept) {
  return accept.find("application/openmetrics-text") != accept.npos ? Format::openmetrics
                                                                    : Format::prometheus;
}

const char* content_type(Format format) {
  return format == Format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                       : "text/plain; version=0.0.4; charset=utf-8";
}

void Text::line(Id id, std::string_view suffix, Labels labels, std::string_view le, std::string_view value) {
  std::string& out = samples_[static_cast<size_t>(id)];
  out.append(metric(id).name).append(suffix);
  bool any = false;
  const auto label = [&](std::string_view name, std::string_view text) {
    out.append(any ? "," : "{").append(name).append("=\"");
    append_escaped(out, text);
    out += '"';
    any = true;
  };
  for (const auto& [name, text] : labels)
    if (!text.empty()) label(name, text);
  if (!le.empty()) label("le", le);
  if (any) out += '}';
  out.append(" ").append(value).append("\n");
}

void Text::add(Id id, Labels labels, int64_t value) {
  line(id, "", labels, "", std::to_string(value));
}

void Text::add(Id id, Labels labels, double value) {
  line(id, "", labels, "", number(value));
}

void Text::add(Id id, Labels labels, const Histogram& histogram) {
  uint64_t so_far = 0;
  for (size_t step = 0; step < histogram.counts.size(); ++step) {
    so_far += histogram.counts[step];
    const bool last = step == Histogram::kBoundsUs.size();
    line(id, "_bucket", labels, last ? "+Inf" : seconds(Histogram::kBoundsUs[step]), std::to_string(so_far));
  }
  line(id, "_sum", labels, "", seconds(histogram.sum_us));
  line(id, "_count", labels, "", std::to_string(so_far));
}

std::string Text::take(Format format) {
  std::string out;
  for (const Metric& one : table()) {
    std::string& samples = samples_[static_cast<size_t>(one.id)];
    if (samples.empty()) continue;
    const std::string_view name = family(one, format);
    out.append("# HELP ").append(name).append(" ").append(one.help).append("\n# TYPE ").append(name);
    out.append(" ").append(name_of(one.kind)).append("\n").append(std::exchange(samples, {}));
  }
  if (format == Format::openmetrics) out += "# EOF\n";
  return out;
}

}  // namespace headgate::metrics
