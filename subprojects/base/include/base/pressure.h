// SPDX-License-Identifier: LGPL-2.1-or-later
// How long somebody waits for something of the machine's (Documentation/accounting/psi.rst).
#pragma once

#include <optional>
#include <string>

namespace headgate {

// Percent of the last 10 s in which some, or all (`kind` "some" or "full"), waited for `resource` ("cpu",
// "io", "memory"). None: the kernel does not say. Reads a file of `proc` that does not block; another one in
// tests.
std::optional<double> pressure_percent(const std::string& resource, const std::string& kind,
                                       const std::string& proc = "/proc");

}  // namespace headgate
