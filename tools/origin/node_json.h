// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "catalog.h"
#include "demand.h"
#include "feed.h"

namespace headgate::origin {

// NODE of docs/api.md: what the supervisor says (`supervisor`, a JSON object or empty) and what the origin
// knows itself.
std::string node_json(const std::string& supervisor, const WorkerFeed& feed, const Catalog& catalog,
                      const Demand& demand, const std::string& root);

}  // namespace headgate::origin
