// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace headgate::serve {

// sd_notify(3): tells $NOTIFY_SOCKET, if there is one.
void notify_systemd(const std::string& state);

}  // namespace headgate::serve
