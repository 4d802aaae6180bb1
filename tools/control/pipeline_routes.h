// SPDX-License-Identifier: LGPL-2.1-or-later
// The pipeline descriptions that the node's workers read.
#pragma once

#include <string>

#include "routes.h"

namespace headgate::control {

// `folder`: of those in use; `used`: the one that sessions run.
void add_pipeline_routes(Routes& routes, const std::string& folder, const std::string& used);

}  // namespace headgate::control
