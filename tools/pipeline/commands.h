// SPDX-License-Identifier: LGPL-2.1-or-later
// The commands of `headgate pipeline`.
#pragma once

#include <pipeline/description.h>

#include <string>
#include <vector>

#include <base/result.h>

namespace headgate::pipeline {

int run_list(int argc, char** argv);
int run_show(int argc, char** argv);
int run_check(int argc, char** argv);
int run_elements(int argc, char** argv);
int run_graph(int argc, char** argv);
int run_run(int argc, char** argv);

// "NAME=VALUE", each.
Result<Values> values_of(const std::vector<std::string>& assignments);
// `folder`, or where descriptions are if it is empty.
Result<std::string> folder_or_default(const std::string& folder);
// Of the one argument: a name in `folder`, or a file.
Result<Description> load_one(const std::string& folder, const std::vector<std::string>& arguments);
// A value for each parameter that has no default and none in `values`, so that the elements can be looked at.
Values with_samples(const Description& description, Values values);

}  // namespace headgate::pipeline
