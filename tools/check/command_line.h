// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <check/run.h>

#include <optional>

namespace headgate::check {

// Nothing after a wrong usage, which is told.
std::optional<Options> read_options(int argc, char** argv, const char* summary, const char* about_url);

}  // namespace headgate::check
