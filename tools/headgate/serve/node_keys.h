// SPDX-License-Identifier: LGPL-2.1-or-later
// What the folder of keys says of the node. While it is wrong, a supervisor that takes over what one before
// it has left running goes on with the event of those: that is kept in the runtime folder, and goes when the
// node is told to end. Blocking.
#pragma once

#include <base/result.h>

#include "config.h"

namespace headgate::serve {

// `event`, `issuer_secret` and `keys_problem`. The error is the folder's, where there is no event either, or
// for a trial (`check`), which takes nothing over.
Result<void> take_keys(Config& config);
Result<void> keep_event(const Config& config);
void forget_event(const Config& config);

}  // namespace headgate::serve
