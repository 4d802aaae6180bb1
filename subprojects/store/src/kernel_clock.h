// SPDX-License-Identifier: LGPL-2.1-or-later
// Internal to the library: what the kernel knows of its clock (base/kernel_clock.h), as the archive has it.
#pragma once

#include <string>

namespace headgate::store {

// A JSON object (docs/archive.md, `ntp`): whether something keeps the clock right, how far off
// it was thought to be, and how far it can be.
std::string kernel_clock_json();

}  // namespace headgate::store
