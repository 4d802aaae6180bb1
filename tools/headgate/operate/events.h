// SPDX-License-Identifier: LGPL-2.1-or-later
// Node events (docs/api.md): what happened, when, how bad it was.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <base/json.h>

namespace headgate::cli {

enum class Severity { info, warning, error };

struct NodeEvent {
  int64_t id = 0;
  std::string utc, kind;  // "worker.died"
  std::string text;       // a sentence
  Severity severity = Severity::info;
  std::vector<std::pair<std::string, std::string>> fields;

  std::string field(std::string_view name) const;
  std::string line() const;  // all of it, printable
};

NodeEvent node_event_of(const Json& event);
const char* name_of(Severity severity);

}  // namespace headgate::cli
