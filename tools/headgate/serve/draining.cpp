// SPDX-License-Identifier: LGPL-2.1-or-later
#include "draining.h"

#include <base/io.h>
#include <base/json_line.h>
#include <common/log.h>
#include <common/utc.h>
#include <unistd.h>

#include <charconv>
#include <utility>

#include "node_file.h"

namespace headgate::serve {
namespace {

constexpr size_t kMaxFileBytes = 64;
constexpr char kEmptied[] = " empty";

}  // namespace

void Draining::load() {
  auto content = read_file(path_, kMaxFileBytes);
  if (!content) return;
  const std::string_view text = as_text(*content);
  int64_t since = 0;
  std::from_chars(text.data(), text.data() + text.size(), since);
  since_utc_us_ = since > 0 ? since : 1;  // that it is there counts
  emptied_ = text.find(kEmptied) != text.npos;
}

Result<void> Draining::begin(int64_t utc_us) {
  if (!on()) since_utc_us_ = utc_us;
  return keep();
}

bool Draining::emptied() {
  if (!on() || std::exchange(emptied_, true)) return false;
  if (auto kept = keep(); !kept) tools::log_warning(kept.error().message);  // then it is told twice
  return true;
}

Result<void> Draining::keep() const {
  return write_node_file(path_, std::to_string(since_utc_us_) + (emptied_ ? kEmptied : "") + "\n");
}

void Draining::end() {
  since_utc_us_ = 0;
  emptied_ = false;
  ::unlink(path_.c_str());
}

std::string Draining::json() const {
  return on() ? JsonLine().field("since_utc", tools::utc_text(since_utc_us_)).take() : "null";
}

}  // namespace headgate::serve
