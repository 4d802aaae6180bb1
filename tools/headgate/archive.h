// SPDX-License-Identifier: LGPL-2.1-or-later
// `headgate archive`: its subcommands.
#pragma once

#include <string>

namespace headgate::cli {

int run_archive_list(int argc, char** argv);
int run_archive_recover(int argc, char** argv);
int run_archive_show(int argc, char** argv);

// For an error's end: "; it is a part of the archive DIR" of a folder that is lta/ or below it. Else empty.
std::string archive_above(const std::string& folder);

}  // namespace headgate::cli
