// SPDX-License-Identifier: LGPL-2.1-or-later
#include <conformance/hls_rules.h>

namespace headgate::conformance {

const char* severity_name(Severity severity) {
  return severity == Severity::error ? "error" : severity == Severity::warning ? "warning" : "note";
}

std::span<const Rule> hls_rules() {
  return kHlsRules;
}

}  // namespace headgate::conformance
