// SPDX-License-Identifier: LGPL-2.1-or-later
// How long somebody waits for something of the machine's (Documentation/accounting/psi.rst). Thread-safe;
// reads files of `proc` and `sys` that do not block: other folders in tests. `resource`: "cpu", "io",
// "memory"; `kind`: "some" or "full".
#pragma once

#include <optional>
#include <string>

namespace headgate {

// Percent (0–100) of the last 10 s in which some, or all (`kind`), of the machine waited for `resource`.
// None: the kernel does not say.
std::optional<double> pressure_percent(const std::string& resource, const std::string& kind,
                                       const std::string& proc = "/proc");
// Likewise of those in this process' own control group (v2) and below it: what delays nobody there does not
// count. The machine's where the kernel says nothing of the group.
std::optional<double> own_pressure_percent(const std::string& resource, const std::string& kind,
                                           const std::string& proc = "/proc",
                                           const std::string& sys = "/sys");

}  // namespace headgate
