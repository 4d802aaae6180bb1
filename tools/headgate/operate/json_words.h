// SPDX-License-Identifier: LGPL-2.1-or-later
// Values of JSON as a person, or another table, has them.
#pragma once

#include <string>

#include <base/json.h>

namespace headgate::cli {

// A text as it is, anything else as JSON has it but for null, which is empty. A number that is not whole has
// at most twelve digits: 27.8, not 27.800000000000001.
std::string scalar_text(const Json& value);
// A text, or one that the journal writes as an array of bytes because it is no UTF-8; of several the first.
std::string journal_text(const Json& value);

}  // namespace headgate::cli
