// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <base/bytes.h>

namespace headgate::ticket {

// Compares in a time that depends on the lengths only. For everything that a stranger can guess at:
// passwords, responses, MACs.
bool same_secret(Bytes a, Bytes b);

}  // namespace headgate::ticket
