// SPDX-License-Identifier: LGPL-2.1-or-later
// What it costs to encode a pipeline's renditions where that is done all the time, as in `event`.
#pragma once

#include <pipeline/description.h>

#include <cstdint>
#include <string>
#include <vector>

namespace headgate::preflight {

// What the parameter is by `set` ("NAME=VALUE", the last one counts) or by its default; empty: neither says,
// or there is no such parameter.
std::string value_of(const pipeline::Description& description, const std::vector<std::string>& set,
                     const std::string& name);

// Pixels a second as ladder/budget.h counts them, of one stream in 16:9 and 25 pictures a second that is as
// large as the largest of `rungs` and stands for it. 0: there are none, or they are encoded on demand, which
// has a limit of its own (--rung-mpixels).
uint64_t ladder_pixels(const pipeline::Description& description, const std::vector<std::string>& set);

}  // namespace headgate::preflight
