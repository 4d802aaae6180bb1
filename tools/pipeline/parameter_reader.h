// SPDX-License-Identifier: LGPL-2.1-or-later
// "parameters" of a description or a fragment.
#pragma once

#include <pipeline/document.h>
#include <pipeline/parameter.h>

#include <vector>

namespace headgate::pipeline {

inline constexpr size_t kMaxChoices = 32;

// Those that are right; the others are told.
std::vector<Parameter> read_parameters(Document& document, const Json& node, const std::string& pointer);
// A value of the parameter's type, as it is given: JSON's number 5 is "5". None: told.
std::optional<std::string> read_value(Document& document, const Parameter& parameter, const Json& node,
                                      const std::string& pointer);

}  // namespace headgate::pipeline
